{{/* Labels of everything; takes (list $ "component"). */}}
{{- define "outflow.labels" -}}
{{ include "outflow.selector" . }}
app.kubernetes.io/part-of: outflow
app.kubernetes.io/version: {{ (index . 0).Chart.AppVersion | quote }}
{{- end }}

{{/* What selects pods; must never change, StatefulSet and DaemonSet selectors are immutable. */}}
{{- define "outflow.selector" -}}
app.kubernetes.io/name: outflow
app.kubernetes.io/component: {{ index . 1 }}
{{- end }}

{{/* An image by digest or tag; takes (list $ .Values.agent.image). */}}
{{- define "outflow.image" -}}
{{- $image := index . 1 -}}
{{- if $image.digest -}}
{{ $image.repository }}@{{ $image.digest }}
{{- else -}}
{{ $image.repository }}:{{ $image.tag | default (index . 0).Chart.AppVersion }}
{{- end -}}
{{- end }}

{{/* The name that the aggregator's certificate is asked for. */}}
{{- define "outflow.serverName" -}}
outflow-aggregator.{{ .Release.Namespace }}.svc
{{- end }}

{{/* Every name the aggregator's certificate carries, as JSON list. localhost is for port-forward. */}}
{{- define "outflow.serverNames" -}}
{{- $service := printf "outflow-aggregator.%s" .Release.Namespace -}}
{{- $own := list "outflow-aggregator" $service (printf "%s.svc" $service)
    (printf "%s.svc.%s" $service .Values.clusterDomain) "localhost" "127.0.0.1" -}}
{{- concat $own .Values.certificates.extraNames | uniq | toJson -}}
{{- end }}

{{/* Where the agent serves its metrics and probes: address, without port. */}}
{{- define "outflow.agentAddress" -}}
{{- if .Values.agent.http.address -}}
{{ .Values.agent.http.address }}
{{- else if .Values.monitoring.podMonitor.enabled -}}
$(OUTFLOW_HOST_IP)
{{- else -}}
127.0.0.1
{{- end -}}
{{- end }}

{{/* A container that needs nothing. */}}
{{- define "outflow.plainContainer" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end }}

{{- define "outflow.plainPod" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
seccompProfile: {type: RuntimeDefault}
{{- end }}
