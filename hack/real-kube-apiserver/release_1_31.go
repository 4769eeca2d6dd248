//go:build kube_1_31

package main

import (
	"context"

	"k8s.io/client-go/informers"
	clientset "k8s.io/client-go/kubernetes"
	"k8s.io/kubernetes/cmd/kube-apiserver/app/options"
	"k8s.io/kubernetes/pkg/controller/garbagecollector"
	serviceaccountcontroller "k8s.io/kubernetes/pkg/controller/serviceaccount"
)

// What later releases of Kubernetes call otherwise: release.go.

func complete(_ context.Context, s *options.ServerRunOptions) (options.CompletedOptions, error) {
	return s.Complete()
}

func newServiceAccountsController(_ context.Context, f informers.SharedInformerFactory, cs clientset.Interface) (*serviceaccountcontroller.ServiceAccountsController, error) {
	return serviceaccountcontroller.NewServiceAccountsController(
		f.Core().V1().ServiceAccounts(), f.Core().V1().Namespaces(), cs,
		serviceaccountcontroller.DefaultServiceAccountsControllerOptions())
}

func runGarbageCollector(ctx context.Context, gc *garbagecollector.GarbageCollector) {
	gc.Run(ctx, 4)
}
