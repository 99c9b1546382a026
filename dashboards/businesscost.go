package dashboards

const tokens = "gen_ai_client_token_usage_sum"

func businessAndCost() Dashboard {
	return Dashboard{
		Name: "business-and-cost", Title: "Business and Cost", period: "24h",
		about: "What the service is used for and what it costs: questions, callers' tiers, tokens, dollars saved, and questions that found nothing.",
		rows: []row{
			{"In the time that is shown", businessTotals()},
			{"Use", businessUse()},
			{"Tokens and dollars", businessTokens()},
			{"Quality", businessQuality()},
		},
	}
}

func businessTotals() []panel {
	return []panel{
		{
			title: "Questions", about: "Requests to search, ask and stream.", page: "http-api.md", kind: total, unit: "short", width: 6,
			steps: []step{{0, plain}}, queries: []query{{during(requestTime+"_count", answers, ""), "questions"}},
		},
		{
			title: "Answered", about: "Share of those that were answered: the others were refused or failed.", page: errorPage, kind: total,
			unit: "percentunit", width: 6, steps: []step{{0, bad}, {0.9, fair}, {0.99, good}},
			queries: []query{{share(during(requestTime+"_count", answers+`,http_response_status_code="200"`, ""), during(requestTime+"_count", answers, "")), "answered"}},
		},
		{
			title: "Tokens", about: "That models read and wrote.", page: "metrics.md", kind: total, unit: "short", width: 6,
			steps: []step{{0, plain}}, queries: []query{{during(tokens, "", ""), "tokens"}},
		},
		{
			title: "Dollars saved", about: "By the cache, by models.llm.pricing.", page: cachePage, kind: total, unit: "currencyUSD", width: 6,
			steps: []step{{0, good}}, queries: []query{{during("ragservice_cache_saved_usd_total", "", ""), "saved"}},
		},
	}
}

func businessUse() []panel {
	return []panel{
		{
			title: "Questions a minute", about: "By endpoint.", page: "http-api.md", unit: "short", width: 8, stacked: true,
			queries: []query{{"60 * " + perSecond(requestTime+"_count", answers, "http_route"), "{{http_route}}"}},
		},
		{
			title: "Requests by tier of the caller", about: "A minute, of those that the limits admit.", page: "rate-limits.md", unit: "short", width: 8,
			stacked: true, queries: []query{{"60 * " + perSecond("ragservice_ratelimit_decisions_total", `decision="admitted"`, "tier"), "{{tier}}"}},
		},
		{
			title: "Refused by tier of the caller", about: "A minute: callers who want more than their tier gives.", page: "rate-limits.md", unit: "short",
			width: 8, stacked: true, queries: []query{{"60 * " + perSecond("ragservice_ratelimit_decisions_total", `decision="refused"`, "tier"), "{{tier}}"}},
		},
	}
}

func businessTokens() []panel {
	return []panel{
		{
			title: "Tokens a minute", about: "By model: read (input) and written (output).", page: "metrics.md", unit: "short", width: 8, stacked: true,
			queries: []query{{"60 * " + perSecond(tokens, "", "gen_ai_request_model, gen_ai_token_type"), "{{gen_ai_request_model}} {{gen_ai_token_type}}"}},
		},
		{
			title: "Tokens of an answer", about: "On average, of requests to models.", page: "metrics.md", unit: "short", width: 8, worded: true,
			queries: []query{{perSecond(tokens, "", "gen_ai_token_type") + " / " +
				perSecond("gen_ai_client_token_usage_count", "", "gen_ai_token_type"), "{{gen_ai_token_type}}"}},
		},
		{
			title: "Share of tokens that the cache saved", about: "Of all that answers would have taken without it.", page: cachePage,
			unit: "percentunit", width: 8, share: true,
			queries: []query{{perSecond("ragservice_cache_saved_tokens_total", "", "") + " / (" +
				perSecond("ragservice_cache_saved_tokens_total", "", "") + " + " + perSecond(tokens, "", "") + ")", "saved"}},
		},
	}
}

func businessQuality() []panel {
	return []panel{
		{
			title: "Questions that found nothing", about: "Share of looks into the index without a document: what people ask for and the documents lack.",
			page: "retrieval.md", unit: "percentunit", width: 8, share: true,
			queries: []query{{perSecond("ragservice_retrieval_documents_bucket", `le=~"0|0.0"`, "") + " / " +
				perSecond("ragservice_retrieval_documents_count", "", ""), "nothing found"}},
		},
		{
			title: "Answers not of the first model", about: "A minute: of a fallback, or made of passages without a model.", page: modelPage, unit: "short",
			width: 8, stacked: true,
			queries: []query{
				{"60 * " + perSecond("ragservice_llm_fallbacks_total", "", "model"), "{{model}}"},
				{"60 * " + perSecond("ragservice_answers_extracted_total", "", ""), "extracted"},
			},
		},
		{
			title: "Documents received", about: "A minute, by what became of them.", page: "http-api.md", unit: "short", width: 8, stacked: true, worded: true,
			queries: []query{{"60 * " + perSecond("ragservice_documents_total", "", "status"), "{{status}}"}},
		},
	}
}
