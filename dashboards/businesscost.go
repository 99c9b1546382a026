package dashboards

const (
	tokens     = "gen_ai_client_token_usage_sum"
	cost       = "ragservice_llm_cost_usd_total"
	budgetPage = "budgets.md"
)

func businessAndCost() Dashboard {
	return Dashboard{
		Name: "business-and-cost", Title: "Business and Cost", period: "24h",
		about: "What the service is used for and what it costs: questions, callers' tiers, tokens, dollars spent and saved, budgets, and questions that found nothing.",
		rows: []row{
			{"In the time that is shown", businessTotals()},
			{"Use", businessUse()},
			{"Tokens and dollars", businessTokens()},
			{"Budgets", businessBudgets()},
			{"Quality", businessQuality()},
		},
	}
}

func businessTotals() []panel {
	return []panel{
		{
			title: "Questions", about: "Requests to search, ask and stream.", page: "http-api.md", kind: total, unit: "short", width: 4,
			steps: []step{{0, plain}}, queries: []query{{during(requestTime+"_count", answers), "questions"}},
		},
		{
			title: "Answered", about: "Share of those that were answered: the others were refused or failed.", page: errorPage, kind: total,
			unit: "percentunit", width: 4, steps: []step{{0, bad}, {0.9, fair}, {0.99, good}},
			queries: []query{{share(during(requestTime+"_count", answers+`,http_response_status_code="200"`), during(requestTime+"_count", answers)), "answered"}},
		},
		{
			title: "Tokens", about: "That models read and wrote.", page: "metrics.md", kind: total, unit: "short", width: 4,
			steps: []step{{0, plain}}, queries: []query{{during(tokens, ""), "tokens"}},
		},
		{
			title: "Dollars spent", about: "On models, by models.llm.pricing: retries and fallbacks count too.", page: budgetPage, kind: total,
			unit: "currencyUSD", width: 4, steps: []step{{0, plain}}, queries: []query{{during(cost, ""), "spent"}},
		},
		{
			title: "Dollars saved", about: "By the cache, by models.llm.pricing.", page: cachePage, kind: total, unit: "currencyUSD", width: 4,
			steps: []step{{0, good}}, queries: []query{{during("ragservice_cache_saved_usd_total", ""), "saved"}},
		},
		{
			title: "Fullest budget", about: "Of those of the service, in its day or month.", page: budgetPage, kind: number, unit: "percentunit", width: 4,
			steps: []step{{0, good}, {0.8, fair}, {1, bad}}, queries: []query{{"max(ragservice_budget_used_ratio{$own})", "used"}},
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

func businessBudgets() []panel {
	return []panel{
		{
			title: "Dollars an hour", about: "By model that was asked.", page: budgetPage, unit: "currencyUSD", width: 8, stacked: true,
			queries: []query{{"3600 * " + perSecond(cost, "", "gen_ai_request_model"), "{{gen_ai_request_model}}"}},
		},
		{
			title: "Budgets used", about: "Part of each budget of the service that is taken in its window. From 80 % on the operator tells.", page: budgetPage,
			unit: "percentunit", width: 8, share: true,
			queries: []query{{"max by (budget, window) (ragservice_budget_used_ratio{$own})", "{{budget}} of a {{window}}"}},
		},
		{
			title: "Questions without room in a budget", about: "A minute, of the service and of tenants: denied, or answered and told.", page: budgetPage,
			unit: "short", width: 8, stacked: true,
			queries: []query{{"60 * " + perSecond("ragservice_budget_exceeded_total", "", "scope, budget, action"), "{{scope}} {{budget}} {{action}}"}},
		},
	}
}

func businessQuality() []panel {
	return []panel{
		{
			title: "Questions that found nothing", about: "Share of looks into the index without a document: what people ask for and the documents lack.",
			page: "retrieval.md", unit: "percentunit", width: 6, share: true,
			queries: []query{{perSecond("ragservice_retrieval_documents_bucket", `le=~"0|0.0"`, "") + " / " +
				perSecond("ragservice_retrieval_documents_count", "", ""), "nothing found"}},
		},
		{
			title: "Answers not of the first model", about: "A minute: of a fallback, or made of passages without a model.", page: modelPage, unit: "short",
			width: 6, stacked: true,
			queries: []query{
				{"60 * " + perSecond("ragservice_llm_fallbacks_total", "", "gen_ai_request_model"), "{{gen_ai_request_model}}"},
				{"60 * " + perSecond("ragservice_answers_extracted_total", "", ""), "extracted"},
			},
		},
		{
			title: "Documents received", about: "A minute, by what became of them.", page: "http-api.md", unit: "short", width: 6, stacked: true, worded: true,
			queries: []query{{"60 * " + perSecond("ragservice_documents_total", "", "status"), "{{status}}"}},
		},
		{
			title: "Feedback", about: "A minute: what callers say of answers, by whether the score is above, at or below 0.", page: "http-api.md", unit: "short",
			width: 6, stacked: true, queries: []query{{"60 * " + perSecond("ragservice_feedback_total", "", "verdict"), "{{verdict}}"}},
		},
	}
}
