{{- define "gvList" -}}
# API reference

Generated from `api/v1alpha1` by `make generate`. `kubectl explain rag.spec` says the same on a cluster.
{{ range . }}
## {{ .GroupVersionString }}

{{ .Doc }}
{{ $types := .SortedTypes }}
{{- range $types }}{{ if .GVK }}{{ template "type" . }}{{ end }}{{ end }}
{{- range $types }}{{ if not .GVK }}{{ template "type" . }}{{ end }}{{ end }}
{{- end }}
{{- end -}}

{{- define "type" }}{{ if markdownShouldRenderType . }}
### {{ .Name }}

{{ .Doc }}
{{ if .IsAlias }}
A {{ markdownRenderTypeLink .UnderlyingType }}.
{{ end }}
{{- if .References }}
In: {{ range $i, $type := .SortedReferences }}{{ if $i }}, {{ end }}{{ markdownRenderTypeLink $type }}{{ end }}
{{ end }}
{{- if .Members }}
| Field | Meaning | Default | Rules |
| --- | --- | --- | --- |
{{ range .Members -}}
| `{{ .Name }}` {{ markdownRenderType .Type }} | {{ template "meaning" . }} | {{ markdownRenderDefault .Default }} | {{ template "rules" .Validation }} |
{{ end }}
{{- end }}
{{- if .EnumValues }}
| Value | Meaning |
| --- | --- |
{{ range .EnumValues -}}
| `{{ .Name }}` | {{ markdownRenderFieldDoc .Doc }} |
{{ end }}
{{- end }}
{{- end }}{{ end -}}

{{- define "meaning" }}{{ if eq .Name "metadata" }}The standard object's metadata.{{ else }}{{ markdownRenderFieldDoc .Doc }}{{ end }}{{ end -}}

{{- define "rules" }}{{ $more := false }}{{ range . }}{{ if ne . "Optional: {}" }}{{ if $more }}; {{ end }}{{ $more = true }}{{ if eq . "Required: {}" }}required{{ else }}{{ markdownRenderFieldDoc . }}{{ end }}{{ end }}{{ end }}{{ end -}}
