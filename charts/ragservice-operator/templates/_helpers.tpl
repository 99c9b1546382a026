{{- define "ragservice-operator.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "ragservice-operator.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" }}
{{- else if contains (include "ragservice-operator.name" .) .Release.Name }}
{{- .Release.Name | trunc 63 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name (include "ragservice-operator.name" .) | trunc 63 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{- /* For objects without a namespace: a release of the same name in another namespace has others. */}}
{{- define "ragservice-operator.clusterName" -}}
{{- printf "%s:%s" .Release.Namespace (include "ragservice-operator.fullname" .) }}
{{- end }}

{{- /* Namespace and lease: tells the operator from others of the cluster. It is the value of a label. */}}
{{- define "ragservice-operator.id" -}}
{{- $id := printf "%s.%s" .Release.Namespace (include "ragservice-operator.fullname" .) }}
{{- if gt (len $id) 63 }}
{{- fail (printf "namespace and name of the operator have more than 63 characters together (%s): set a shorter fullnameOverride" $id) }}
{{- end }}
{{- $id }}
{{- end }}

{{- /* Not empty when the definition is there and belongs to another release, which upgrades it. Without a cluster to look at it is empty. */}}
{{- define "ragservice-operator.crdOfAnother" -}}
{{- with lookup "apiextensions.k8s.io/v1" "CustomResourceDefinition" "" "ragservices.ragservice.dev" }}
{{- $by := .metadata.annotations | default dict }}
{{- $release := printf "%s/%s" (get $by "meta.helm.sh/release-namespace") (get $by "meta.helm.sh/release-name") }}
{{- if ne $release (printf "%s/%s" $.Release.Namespace $.Release.Name) }}
{{- $release }}
{{- end }}
{{- end }}
{{- end }}

{{- define "ragservice-operator.selectorLabels" -}}
app.kubernetes.io/name: {{ include "ragservice-operator.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: manager
{{- end }}

{{- define "ragservice-operator.labels" -}}
{{ include "ragservice-operator.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "ragservice-operator.serviceAccountName" -}}
{{- if .Values.serviceAccount.create }}
{{- default (include "ragservice-operator.fullname" .) .Values.serviceAccount.name }}
{{- else }}
{{- default "default" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{- define "ragservice-operator.image" -}}
{{- with .Values.image }}
{{- if .digest }}
{{- printf "%s@%s" .repository .digest }}
{{- else }}
{{- printf "%s:%s" .repository (default $.Chart.AppVersion .tag) }}
{{- end }}
{{- end }}
{{- end }}
