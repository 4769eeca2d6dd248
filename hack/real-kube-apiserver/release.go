//go:build !kube_1_31

package main

import (
	"context"
	"time"

	"k8s.io/client-go/informers"
	clientset "k8s.io/client-go/kubernetes"
	"k8s.io/klog/v2"
	"k8s.io/kubernetes/cmd/kube-apiserver/app/options"
	"k8s.io/kubernetes/pkg/controller/garbagecollector"
	serviceaccountcontroller "k8s.io/kubernetes/pkg/controller/serviceaccount"
)

// What Kubernetes calls otherwise in release_1_31.go.

func complete(ctx context.Context, s *options.ServerRunOptions) (options.CompletedOptions, error) {
	return s.Complete(ctx)
}

func newServiceAccountsController(ctx context.Context, f informers.SharedInformerFactory, cs clientset.Interface) (*serviceaccountcontroller.ServiceAccountsController, error) {
	return serviceaccountcontroller.NewServiceAccountsController(klog.FromContext(ctx),
		f.Core().V1().ServiceAccounts(), f.Core().V1().Namespaces(), cs,
		serviceaccountcontroller.DefaultServiceAccountsControllerOptions())
}

func runGarbageCollector(ctx context.Context, gc *garbagecollector.GarbageCollector) {
	gc.Run(ctx, 4, 5*time.Second)
}
