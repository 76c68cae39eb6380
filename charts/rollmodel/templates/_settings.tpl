{{/*
The operator's settings as variables. What is not set is not mentioned, so that the operator's own default holds, and so
that a ConfigMap of yours may say it.
*/}}
{{- define "rollmodel.settings" -}}
{{- $settings := .Values.settings }}
{{- $plain := dict
    "NAMESPACES" (join "," .Values.watch.namespaces)
    "SHARD" .Values.watch.shard
    "GATEWAY_API" (ternary "" "Off" .Values.features.gatewayApi)
    "GRPC_ROUTES" (ternary "On" "" .Values.features.grpcRoutes)
    "INFERENCE_POOLS" (ternary "On" "" .Values.features.inferencePools)
    "KUEUE" (ternary "" "Off" .Values.features.kueue)
    "KEDA" (ternary "On" "" .Values.features.keda)
    "KEDA_PROMETHEUS_URL" $settings.kedaPrometheusUrl
    "CONNECTION_SECRETS" (ternary "" "Refuse" .Values.features.connectionSecrets)
    "REGISTRY_URL" $settings.registry.url
    "REGISTRY_CA_FILE" $settings.registry.caFile
    "REGISTRY_WORKSPACE" $settings.registry.workspace
    "REGISTRY_POLL_SECONDS" $settings.registry.pollSeconds
    "REGISTRY_TIMEOUT_SECONDS" $settings.registry.timeoutSeconds
    "TENANTS" (ternary (toJson $settings.tenants) "" (not (empty $settings.tenants)))
    "TENANCY" $settings.tenancy
    "PROMETHEUS_URL" $settings.prometheus.url
    "PROMETHEUS_CA_FILE" $settings.prometheus.caFile
    "PROMETHEUS_CLIENT_CERTIFICATE_FILE" $settings.prometheus.clientCertificateFile
    "PROMETHEUS_CLIENT_KEY_FILE" $settings.prometheus.clientKeyFile
    "PROMETHEUS_HEADERS" $settings.prometheus.headers
    "PROMETHEUS_MATCHERS" $settings.prometheus.matchers
    "PROMETHEUS_TIMEOUT_SECONDS" $settings.prometheus.timeoutSeconds
    "PROMETHEUS_DELAY_SECONDS" $settings.prometheus.delaySeconds
    "PROMETHEUS_TOKEN_FILE" $settings.prometheus.tokenFile
    "HASH_LIMIT_BYTES" $settings.hashLimitBytes
    "LEAST_INTERVAL_SECONDS" $settings.leastIntervalSeconds
    "FORBIDDEN_NAMESPACES" (join "," $settings.forbiddenNamespaces)
    "HOSTS" (ternary (toJson $settings.hosts) "" (not (empty $settings.hosts)))
    "TOLERATION_KEYS" (join "," $settings.tolerationKeys)
    "PRIORITY_CLASSES" (join "," $settings.priorityClasses)
    "CONNECTION_HOSTS" (join "," $settings.connectionHosts)
    "COORDINATION" (ternary $settings.coordination "Off" .Values.features.coordination)
    "CONTAINER_MESSAGES" $settings.containerMessages
    "USER_QUERIES" $settings.userQueries
    "RESYNC_SECONDS" $settings.resyncSeconds
    "CONCURRENCY" $settings.concurrency
    "CLAIM_SECONDS" $settings.claimSeconds
    "RETRY_SECONDS" $settings.retrySeconds
    "STARTING_SECONDS" $settings.startingSeconds
    "MISSING_SECONDS" $settings.missingSeconds
    "GRACE_SECONDS" $settings.graceSeconds
    "PENDING_SECONDS" $settings.pendingSeconds
    "LEADER_ELECTION" (ternary "On" "" (eq (include "rollmodel.elects" .) "true"))
    "LEASE_NAMESPACE" (ternary .Release.Namespace "" (eq (include "rollmodel.elects" .) "true"))
    "LEASE_NAME" (ternary (include "rollmodel.fullname" .) "" (eq (include "rollmodel.elects" .) "true"))
    "LEASE_SECONDS" .Values.leaderElection.leaseSeconds
    "HEALTH_ADDRESS" $settings.healthAddress
    "METRICS_ADDRESS" $settings.metricsAddress
    "METRICS_ACCESS" $settings.metricsAccess
    "LOG_FORMAT" $settings.logFormat
    "LOG_LEVEL" $settings.logLevel }}
{{- range $name, $value := $plain }}
{{- if not (or (kindIs "invalid" $value) (eq (toString $value) "")) }}
- {name: ROLLMODEL_{{ $name }}, value: {{ include "rollmodel.text" $value | quote }}}
{{- end }}
{{- end }}
{{- include "rollmodel.login" (list "REGISTRY" $settings.registry.login) }}
{{- include "rollmodel.login" (list "PROMETHEUS" (omit $settings.prometheus.login "tokenKey")) }}
{{- if $settings.prometheus.login.tokenKey }}
- {name: ROLLMODEL_PROMETHEUS_TOKEN_FILE, value: /etc/rollmodel/prometheus/token}
{{- end }}
{{- end }}

{{/* A value as text: large numbers of a values file come as 2e+10. */}}
{{- define "rollmodel.text" -}}
{{- if and (kindIs "float64" .) (eq . (floor .)) }}{{ int64 . }}{{ else }}{{ . }}{{ end }}
{{- end }}

{{/* A login from a Secret: (list "REGISTRY" .Values.settings.registry.login). */}}
{{- define "rollmodel.login" -}}
{{- $neighbour := index . 0 }}
{{- $login := index . 1 }}
{{- range $variable, $key := dict "USERNAME" "usernameKey" "PASSWORD" "passwordKey" "TOKEN" "tokenKey" }}
{{- with get $login $key }}
- name: ROLLMODEL_{{ $neighbour }}_{{ $variable }}
  valueFrom: {secretKeyRef: {name: {{ $login.secretName }}, key: {{ . }}}}
{{- end }}
{{- end }}
{{- end }}
