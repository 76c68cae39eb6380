# The operator by Terraform or OpenTofu, with the helm provider: terraform init && terraform apply
# Models are better left to the teams that own them (kubectl, Argo CD): a rollout changes their status, never their spec.

terraform {
  required_version = ">= 1.6"
  required_providers {
    helm = {
      source  = "hashicorp/helm"
      version = "~> 3.0"
    }
  }
}

provider "helm" {
  kubernetes = {
    config_path    = pathexpand(var.kubeconfig)
    config_context = var.context
  }
}

resource "helm_release" "rollmodel" {
  name             = "rollmodel"
  namespace        = var.namespace
  create_namespace = true
  chart            = var.chart

  # The release is ready when the operator is, and goes back by itself if it does not get so.
  atomic  = true
  timeout = 300

  values = [
    file("${path.module}/values.yaml"),
    yamlencode({
      image       = { digest = var.operator_digest }
      serverImage = { digest = var.server_digest }
      settings = {
        registry   = { url = var.mlflow_url }
        prometheus = { url = var.prometheus_url }
      }
    }),
  ]
}

output "version" {
  description = "The version of the operator that is installed."
  value       = helm_release.rollmodel.metadata.app_version
}
