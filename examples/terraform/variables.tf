variable "kubeconfig" {
  description = "Path of the kubeconfig."
  type        = string
  default     = "~/.kube/config"
}

variable "context" {
  description = "Context of the kubeconfig; null for the current one."
  type        = string
  default     = null
}

variable "namespace" {
  description = "Namespace of the operator. It makes nothing for models there."
  type        = string
  default     = "rollmodel-system"
}

variable "chart" {
  description = "The chart: a path, a packed file of a release, or oci://registry/rollmodel."
  type        = string
  default     = "../../charts/rollmodel"
}

variable "operator_digest" {
  description = "Digest of the operator's image, sha256:...; empty for the tag of the chart's version."
  type        = string
  default     = ""

  validation {
    condition     = var.operator_digest == "" || can(regex("^sha256:[0-9a-f]{64}$", var.operator_digest))
    error_message = "A digest is sha256: and 64 hexadecimal digits."
  }
}

variable "server_digest" {
  description = "Digest of the model server's image, sha256:...; empty for the tag of the chart's version."
  type        = string
  default     = ""

  validation {
    condition     = var.server_digest == "" || can(regex("^sha256:[0-9a-f]{64}$", var.server_digest))
    error_message = "A digest is sha256: and 64 hexadecimal digits."
  }
}

variable "mlflow_url" {
  description = "Address of MLflow, as pods reach it."
  type        = string
}

variable "prometheus_url" {
  description = "Address of Prometheus, as the operator reaches it."
  type        = string
}
