{{/* What no schema can say in words that help: values that do not go together. */}}
{{- define "rollmodel.checks" -}}
{{- range $neighbour := list "registry" "prometheus" }}
  {{- $login := (index $.Values.settings $neighbour).login }}
  {{- $both := and $login.usernameKey $login.passwordKey }}
  {{- $any := or $login.usernameKey $login.passwordKey }}
  {{- $where := printf "settings.%s.login" $neighbour }}
  {{- if and (or $any $login.tokenKey) (not $login.secretName) }}
    {{- fail (printf "%s: secretName is missing" $where) }}
  {{- end }}
  {{- if and $login.secretName (not (or $both $login.tokenKey)) }}
    {{- fail (printf "%s: set tokenKey, or usernameKey and passwordKey" $where) }}
  {{- end }}
  {{- if and $login.tokenKey $any }}
    {{- fail (printf "%s: set either tokenKey, or usernameKey and passwordKey" $where) }}
  {{- end }}
{{- end }}
{{- if and .Values.settings.prometheus.tokenFile .Values.settings.prometheus.login.secretName }}
  {{- fail "settings.prometheus: set either tokenFile or login" }}
{{- end }}
{{- if and (gt (int .Values.replicas) 1) (not (include "rollmodel.elects" .)) }}
  {{- fail "replicas: more than 1 needs leaderElection.enabled: else each does all the work" }}
{{- end }}
{{- if and .Values.watch.shard .Values.watch.namespaces }}
  {{- fail "watch: set either shard or namespaces" }}
{{- end }}
{{- if and .Values.watch.shard (not (include "rollmodel.elects" .)) }}
  {{- fail "watch.shard needs leaderElection.enabled: the Lease says in which namespaces a shard works" }}
{{- end }}
{{- $metrics := .Values.metrics }}
{{- if and .Values.prometheusRule.enabled (not (or .Values.prometheusRule.job $metrics.podMonitor.enabled $metrics.serviceMonitor.enabled)) }}
  {{- fail "prometheusRule: set job, or metrics.podMonitor.enabled: it has to know what the operator is scraped as" }}
{{- end }}
{{- if and $metrics.podMonitor.enabled (eq (toString .Values.settings.metricsAccess) "Reviewed") (not $metrics.podMonitor.tokenSecret.name) }}
  {{- fail "metrics.podMonitor: tokenSecret.name is missing, since settings.metricsAccess is Reviewed: or use metrics.serviceMonitor, which sends Prometheus' own token" }}
{{- end }}
{{- if and .Values.connectionSecrets (not .Values.features.connectionSecrets) }}
  {{- fail "connectionSecrets grants rights that features.connectionSecrets=false takes away" }}
{{- end }}
{{- range .Values.connectionSecrets }}
  {{- if and $.Values.watch.namespaces (not (has .namespace $.Values.watch.namespaces)) }}
    {{- fail (printf "connectionSecrets: namespace %s is not in watch.namespaces" .namespace) }}
  {{- end }}
{{- end }}
{{- end }}
