{{/* The short name: the value of app.kubernetes.io/name. */}}
{{- define "rollmodel.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{/* The full name: of every object, or its first part. Children of it have room for a suffix of 13 characters. */}}
{{- define "rollmodel.fullname" -}}
{{- $name := include "rollmodel.name" . }}
{{- $full := ternary .Release.Name (printf "%s-%s" .Release.Name $name) (contains $name .Release.Name) }}
{{- default $full .Values.fullnameOverride | trunc 50 | trimSuffix "-" }}
{{- end }}

{{- define "rollmodel.serviceAccountName" -}}
{{- default (ternary (include "rollmodel.fullname" .) "default" .Values.serviceAccount.create) .Values.serviceAccount.name }}
{{- end }}

{{/* "true" where the one that works is elected. */}}
{{- define "rollmodel.elects" -}}
{{- $enabled := .Values.leaderElection.enabled }}
{{- if ternary (or (gt (int .Values.replicas) 1) (not (empty .Values.watch.shard))) $enabled (kindIs "invalid" $enabled) }}true{{ end }}
{{- end }}

{{/* What the operator's pod is found by; a Deployment never changes it. */}}
{{- define "rollmodel.selector" -}}
app.kubernetes.io/name: {{ include "rollmodel.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "rollmodel.labels" -}}
{{- include "rollmodel.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* An image: (list $ .Values.image). A digest goes before the tag. */}}
{{- define "rollmodel.image" -}}
{{- $root := index . 0 }}
{{- $image := index . 1 }}
{{- with $root.Values.imageRegistry }}{{ . }}/{{ end }}{{ $image.repository }}
{{- if $image.digest }}@{{ $image.digest }}{{ else }}:{{ default $root.Chart.AppVersion $image.tag }}{{ end }}
{{- end }}

{{/* A port: the last part of an address, or the usual one: (list .Values.settings.healthAddress 8080). */}}
{{- define "rollmodel.port" -}}
{{- $address := index . 0 }}
{{- if $address }}{{ $address | splitList ":" | last }}{{ else }}{{ index . 1 }}{{ end }}
{{- end }}

{{/* Pod Security "restricted". */}}
{{- define "rollmodel.podSecurityContext" -}}
runAsNonRoot: true
{{- with .Values.podSecurityContext.runAsUser }}
runAsUser: {{ int64 . }}
{{- end }}
{{- with .Values.podSecurityContext.runAsGroup }}
runAsGroup: {{ int64 . }}
{{- end }}
seccompProfile: {type: RuntimeDefault}
{{- end }}

{{- define "rollmodel.securityContext" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end }}
