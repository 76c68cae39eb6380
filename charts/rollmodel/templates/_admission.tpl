{{/*
What a spec names, as CEL: the service account (a string, may be empty), and lists of lists of strings, some of them empty:
the Secrets, the images, and the addresses of models and inputs.
One policy per kind, so that the API server can check the expressions with the kind's schema.
*/}}
{{- define "rollmodel.secretsOfEnv" -}}
object.spec.?{{ . }}.?env.orValue([]).filter(e, has(e.valueFrom) && has(e.valueFrom.secretKeyRef)).map(e, e.valueFrom.secretKeyRef.name)
{{- end }}

{{/* Images of what `podTemplate` adds: of its containers, or of its volumes of kind `image`. */}}
{{- define "rollmodel.imagesOfPods" -}}
object.spec.?runtime.?podTemplate.?spec.?{{ index . 0 }}.orValue([]).map(p, dyn(p).?{{ index . 1 }}.orValue(""))
{{- end }}

{{- define "rollmodel.references" -}}
modeldeployments:
  account: object.spec.?runtime.?serviceAccountName.orValue("")
  secrets:
    - '[object.spec.?model.?connectionRef.?name.orValue("")].filter(n, n != "")'
    - '[object.spec.?notify.?webhookRef.?name.orValue("")].filter(n, n != "")'
    - '[object.spec.?runtime.?predictionLog.?connectionRef.?name.orValue("")].filter(n, n != "")'
    - {{ include "rollmodel.secretsOfEnv" "runtime" | quote }}
    - object.spec.?runtime.?imagePullSecrets.orValue([]).map(r, r.name)
  images:
    - '[object.spec.?runtime.?image.orValue("")]'
    - {{ include "rollmodel.imagesOfPods" (list "containers" "image") | quote }}
    - {{ include "rollmodel.imagesOfPods" (list "initContainers" "image") | quote }}
    - {{ include "rollmodel.imagesOfPods" (list "volumes" "image.?reference") | quote }}
  addresses:
    - '[object.spec.?model.?uri.orValue("")]'
trainingjobs:
  account: object.spec.?template.?serviceAccountName.orValue("")
  secrets:
    - '[object.spec.?tracking.?connectionRef.?name.orValue("")].filter(n, n != "")'
    - '[object.spec.?notify.?webhookRef.?name.orValue("")].filter(n, n != "")'
    - object.spec.?inputs.orValue([]).filter(i, has(i.connectionRef)).map(i, i.connectionRef.name)
    - {{ include "rollmodel.secretsOfEnv" "template" | quote }}
    - {{ include "rollmodel.secretsOfEnv" "dataValidation" | quote }}
    - object.spec.?template.?imagePullSecrets.orValue([]).map(r, r.name)
  images:
    - '[object.spec.?template.?image.orValue("")]'
    - '[object.spec.?dataValidation.?image.orValue("")]'
  addresses:
    - object.spec.?inputs.orValue([]).map(i, i.?uri.orValue(""))
driftpolicies:
  account: '""'
  secrets:
    - '[object.spec.?notify.?webhookRef.?name.orValue("")].filter(n, n != "")'
  addresses:
    - '[object.spec.?reference.?training.?uri.orValue("")]'
    - '[object.spec.?source.?logs.?uri.orValue("")]'
{{- end }}
