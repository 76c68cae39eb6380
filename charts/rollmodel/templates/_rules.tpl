{{/* The operator's rights. Tests compare them with the audit log of an API server: nothing more than it uses. */}}
{{- define "rollmodel.rules" -}}
# Our kinds. `patch` adds and removes the finalizer of TrainingJobs, and what earlier releases left; no spec is written.
- apiGroups: [rollmodel.dev]
  resources: [modeldeployments, trainingjobs, driftpolicies]
  verbs: [get, list, watch, patch]
- apiGroups: [rollmodel.dev]
  resources: [modeldeployments/status, trainingjobs/status, driftpolicies/status]
  verbs: [patch]
{{- if .Values.watch.shard }}
# Which namespaces belong to the shard.
- apiGroups: [""]
  resources: [namespaces]
  verbs: [list, watch]
{{- end }}
# What a ModelDeployment controls. A server-side apply that creates needs `create` and `patch`.
- apiGroups: [apps]
  resources: [deployments, controllerrevisions]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [""]
  resources: [services]
  verbs: [get, list, watch, create, patch, delete]
{{- if .Values.features.gatewayApi }}
- apiGroups: [gateway.networking.k8s.io]
  resources: [httproutes]
  verbs: [get, list, watch, create, patch, delete]
{{- end }}
{{- if .Values.features.grpcRoutes }}
- apiGroups: [gateway.networking.k8s.io]
  resources: [grpcroutes]
  verbs: [get, list, watch, create, patch, delete]
{{- end }}
{{- if .Values.features.inferencePools }}
- apiGroups: [inference.networking.k8s.io]
  resources: [inferencepools]
  verbs: [get, list, watch, create, patch, delete]
{{- end }}
# An autoscaler and a disruption budget, where `spec.scale` asks for them.
- apiGroups: [autoscaling]
  resources: [horizontalpodautoscalers]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [policy]
  resources: [poddisruptionbudgets]
  verbs: [get, list, watch, create, patch, delete]
{{- if .Values.features.keda }}
- apiGroups: [keda.sh]
  resources: [scaledobjects]
  verbs: [get, list, watch, create, patch, delete]
{{- end }}
# What a TrainingJob controls: a Job per attempt (and a Service for several nodes), or TrainingJobs by a schedule.
- apiGroups: [batch]
  resources: [jobs]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [rollmodel.dev]
  resources: [trainingjobs]
  verbs: [create, delete]
{{- if .Values.features.kueue }}
# Why a run waits in its queue; asked only for runs with `queueName`.
- apiGroups: [kueue.x-k8s.io]
  resources: [workloads]
  verbs: [list]
{{- end }}
# Counts of a prediction log, for a DriftPolicy with `source.counts`.
- apiGroups: [""]
  resources: [configmaps]
  verbs: [get]
{{- if .Values.features.coordination }}
# When rollouts may begin, and how many at once: the ConfigMaps of this name.
- apiGroups: [""]
  resources: [configmaps]
  resourceNames: [rollmodel-coordination]
  verbs: [list, watch]
{{- end }}
# Why a revision or an attempt is not ready is read from its pods; why a Job has none, from its Events.
- apiGroups: [""]
  resources: [pods]
  verbs: [list]
- apiGroups: [""]
  resources: [events]
  verbs: [list, create, patch]
{{- end }}
