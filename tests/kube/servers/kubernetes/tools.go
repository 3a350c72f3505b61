//go:build tools

// What the test suite builds out of Kubernetes; nothing of Outflow is written in Go.
package kubernetes

import (
	_ "k8s.io/kubernetes/cmd/kube-apiserver"
	_ "k8s.io/kubernetes/cmd/kubectl"
)
