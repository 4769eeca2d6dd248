// One process: an embedded etcd, a real kube-apiserver, and the few real
// controllers without which its objects would not behave. A test fixture; never
// a production server.
//
//	kube-apiserver serve [flags] [-- extra kube-apiserver flags]
//
// Prints exactly one JSON line on stdout when /readyz is ok; logs go to stderr.
// SIGTERM, SIGINT, or the end of stdin with --stdin-lifeline, stops it.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/spf13/pflag"
	"go.etcd.io/etcd/server/v3/embed"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	utilerrors "k8s.io/apimachinery/pkg/util/errors"
	utilfeature "k8s.io/apiserver/pkg/util/feature"
	clientset "k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
	logsapi "k8s.io/component-base/logs/api/v1"
	"k8s.io/component-base/version"
	"k8s.io/kubernetes/cmd/kube-apiserver/app"
	"k8s.io/kubernetes/cmd/kube-apiserver/app/options"
)

type config struct {
	dir, kubeconfig, etcd, controllers string
	port, v                            int
	keep, lifeline, fsync              bool
	gcSync, nsGrace                    time.Duration
	tokenTTL                           time.Duration
	apiArgs                            []string
}

func main() {
	args := os.Args[1:]
	if len(args) > 0 && args[0] == "serve" {
		args = args[1:]
	}
	var c config
	fs := flag.NewFlagSet("kube-apiserver serve", flag.ExitOnError)
	fs.StringVar(&c.dir, "dir", "", "state directory (default: a fresh temp dir, removed on exit)")
	fs.StringVar(&c.kubeconfig, "kubeconfig", "", "where to write the cluster-admin kubeconfig (default DIR/kubeconfig)")
	fs.IntVar(&c.port, "port", 0, "loopback port (0: any free one)")
	fs.StringVar(&c.etcd, "etcd", "unix", "etcd listener: unix or tcp")
	fs.BoolVar(&c.fsync, "fsync", false, "fsync etcd writes")
	fs.StringVar(&c.controllers, "controllers", "lean", "none | lean (gc, namespace, serviceaccount, root-ca, clusterrole-aggregation)")
	fs.DurationVar(&c.gcSync, "gc-sync", time.Second, "how often the garbage collector looks for new resource types (upstream: 30s)")
	fs.DurationVar(&c.nsGrace, "ns-grace", 100*time.Millisecond, "wait before emptying a terminating namespace (upstream: 5s)")
	fs.DurationVar(&c.tokenTTL, "token-cache-ttl", 10*time.Second, "how long a verified service-account token is trusted without a new check (upstream: 10s)")
	fs.BoolVar(&c.keep, "keep", false, "keep the temp dir on exit")
	fs.BoolVar(&c.lifeline, "stdin-lifeline", false, "exit when stdin reaches EOF")
	fs.IntVar(&c.v, "v", 0, "log verbosity")
	_ = fs.Parse(args)
	c.apiArgs = fs.Args()

	if err := serve(c); err != nil && !errors.Is(err, context.Canceled) {
		fmt.Fprintln(os.Stderr, "kube-apiserver:", err)
		os.Exit(1)
	}
}

func serve(c config) (err error) {
	start := time.Now()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if c.lifeline {
		go func() {
			b := make([]byte, 256)
			for {
				if _, err := os.Stdin.Read(b); err != nil {
					cancel()
					return
				}
			}
		}()
	}

	if c.dir == "" {
		if c.dir, err = os.MkdirTemp("", "kube-apiserver-"); err != nil {
			return err
		}
		if !c.keep {
			defer os.RemoveAll(c.dir)
		}
	} else if err = os.MkdirAll(c.dir, 0o700); err != nil {
		return err
	}
	if c.dir, err = filepath.Abs(c.dir); err != nil {
		return err
	}
	if c.kubeconfig == "" {
		c.kubeconfig = filepath.Join(c.dir, "kubeconfig")
	}

	// --- etcd
	etcdLog := zap.NewAtomicLevelAt(zapcore.ErrorLevel)
	etcd, endpoint, err := startEtcd(c, etcdLog)
	if err != nil {
		return fmt.Errorf("etcd: %w", err)
	}
	defer func() { etcdLog.SetLevel(zapcore.FatalLevel); etcd.Close() }()
	etcdReady := time.Since(start)

	// --- listener first, so the port cannot be lost to a race
	ln, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", c.port))
	if err != nil {
		return err
	}
	port := ln.Addr().(*net.TCPAddr).Port
	server := fmt.Sprintf("https://127.0.0.1:%d", port)

	// --- certificates, keys, kubeconfig
	pki, err := makePKI(c.dir)
	if err != nil {
		return fmt.Errorf("pki: %w", err)
	}
	if err := writeKubeconfig(c.kubeconfig, server, pki); err != nil {
		return err
	}

	// --- kube-apiserver
	p := func(n string) string { return filepath.Join(c.dir, n) }
	flags := []string{
		"--etcd-servers=" + endpoint,
		"--bind-address=127.0.0.1",
		"--advertise-address=127.0.0.1",
		"--endpoint-reconciler-type=none",
		"--service-cluster-ip-range=10.0.0.0/16",
		"--allow-privileged=true",
		"--authorization-mode=Node,RBAC",
		"--enable-admission-plugins=NodeRestriction",
		"--client-ca-file=" + p("ca.crt"),
		"--token-auth-file=" + p("tokens.csv"),
		"--tls-cert-file=" + p("apiserver.crt"),
		"--tls-private-key-file=" + p("apiserver.key"),
		"--requestheader-client-ca-file=" + p("ca.crt"),
		"--requestheader-allowed-names=front-proxy-client",
		"--requestheader-username-headers=X-Remote-User",
		"--requestheader-group-headers=X-Remote-Group",
		"--requestheader-extra-headers-prefix=X-Remote-Extra-",
		"--proxy-client-cert-file=" + p("front-proxy.crt"),
		"--proxy-client-key-file=" + p("front-proxy.key"),
		"--service-account-issuer=https://kubernetes.default.svc.cluster.local",
		"--service-account-key-file=" + p("sa.key"),
		"--service-account-signing-key-file=" + p("sa.key"),
		"--profiling=false",
	}
	if c.controllers == "none" {
		// nothing would create the "default" ServiceAccount, so pods would be refused
		flags = append(flags, "--disable-admission-plugins=ServiceAccount")
	}
	flags = append(flags, c.apiArgs...)

	s := options.NewServerRunOptions()
	pfs := pflag.NewFlagSet("kube-apiserver", pflag.ContinueOnError)
	named := s.Flags()
	for _, f := range named.FlagSets {
		pfs.AddFlagSet(f)
	}
	if err := pfs.Parse(flags); err != nil {
		return err
	}
	s.SecureServing.Listener, s.SecureServing.BindPort = ln, port
	s.Authentication.TokenSuccessCacheTTL = c.tokenTTL
	if err := s.GenericServerRunOptions.ComponentGlobalsRegistry.Set(); err != nil {
		return err
	}
	rest.SetDefaultWarningHandler(rest.NoWarnings{})
	if c.v > 0 {
		s.Logs.Verbosity = logsapi.VerbosityLevel(c.v)
	}
	if err := logsapi.ValidateAndApply(s.Logs, utilfeature.DefaultFeatureGate); err != nil {
		return err
	}
	completed, err := complete(ctx, s)
	if err != nil {
		return err
	}
	if errs := completed.Validate(); len(errs) > 0 {
		return utilerrors.NewAggregate(errs)
	}
	apiCtx, stopAPI := context.WithCancel(context.Background())
	defer stopAPI()
	apiErr := make(chan error, 1)
	go func() { apiErr <- app.Run(apiCtx, completed) }()

	// --- wait for readyz
	rc, err := clientcmd.BuildConfigFromFlags("", c.kubeconfig)
	if err != nil {
		return err
	}
	rc.QPS = -1
	rc.UserAgent = "real-kube-apiserver"
	cs, err := clientset.NewForConfig(rc)
	if err != nil {
		return err
	}
	for {
		rctx, rcancel := context.WithTimeout(ctx, 2*time.Second)
		_, rerr := cs.RESTClient().Get().AbsPath("/readyz").DoRaw(rctx)
		rcancel()
		if rerr == nil {
			break
		}
		select {
		case e := <-apiErr:
			return fmt.Errorf("kube-apiserver: %w", e)
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
		if time.Since(start) > 2*time.Minute {
			return fmt.Errorf("kube-apiserver not ready: %w", rerr)
		}
	}

	// --- controllers
	ctlDone := make(chan struct{})
	close(ctlDone)
	ctlCtx, stopCtl := context.WithCancel(context.Background())
	defer stopCtl()
	switch c.controllers {
	case "none":
	case "lean":
		if ctlDone, err = startLean(ctlCtx, rc, pki.caPEM, c); err != nil {
			return err
		}
	default:
		return fmt.Errorf("unknown --controllers=%s", c.controllers)
	}

	line, _ := json.Marshal(map[string]any{
		"ready": true, "server": server, "kubeconfig": c.kubeconfig, "dir": c.dir, "pid": os.Getpid(),
		"version": version.Get().GitVersion, "controllers": c.controllers,
		"etcdMs": etcdReady.Milliseconds(), "readyMs": time.Since(start).Milliseconds(),
	})
	fmt.Println(string(line))

	var runErr error
	select {
	case <-ctx.Done():
	case runErr = <-apiErr:
		apiErr <- nil
	case runErr = <-etcd.Err():
	}

	// --- stop: controllers, apiserver, etcd; never hang a test run
	stopCtl()
	deadline := time.After(8 * time.Second)
	wait := func(name string, ch <-chan struct{}) {
		select {
		case <-ch:
		case <-deadline:
			fmt.Fprintln(os.Stderr, "kube-apiserver: timed out stopping", name)
		}
	}
	wait("controllers", ctlDone)
	stopAPI()
	apiDone := make(chan struct{})
	go func() { <-apiErr; close(apiDone) }()
	wait("kube-apiserver", apiDone)
	return runErr
}

func startEtcd(c config, level zap.AtomicLevel) (*embed.Etcd, string, error) {
	cfg := embed.NewConfig()
	cfg.Dir = filepath.Join(c.dir, "etcd")
	cfg.UnsafeNoFsync = !c.fsync
	cfg.QuotaBackendBytes = 8 << 30
	cfg.TickMs, cfg.ElectionMs = 100, 1000
	var client url.URL
	if c.etcd == "tcp" {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, "", err
		}
		client = url.URL{Scheme: "http", Host: l.Addr().String()}
		l.Close()
	} else {
		client = url.URL{Scheme: "unix", Path: filepath.Join(c.dir, "etcd.sock")}
		if len(client.Path) > 100 { // sun_path holds 107 bytes
			return nil, "", fmt.Errorf("--dir is too deep for a unix socket (%s): use a shorter one or --etcd=tcp", client.Path)
		}
		_ = os.Remove(client.Path)
	}
	cfg.ListenClientUrls = []url.URL{client}
	// One member: no peer listener at all; the advertised URLs must look like
	// host:port but nothing dials them.
	dummy := []url.URL{{Scheme: "http", Host: "127.0.0.1:1"}}
	cfg.AdvertiseClientUrls, cfg.AdvertisePeerUrls, cfg.ListenPeerUrls = dummy, dummy, nil
	cfg.InitialCluster = cfg.InitialClusterFromName(cfg.Name)
	cfg.LogLevel = "error"
	zc := zap.NewProductionConfig()
	zc.Level = level
	zc.OutputPaths, zc.ErrorOutputPaths = []string{"stderr"}, []string{"stderr"}
	lg, err := zc.Build()
	if err != nil {
		return nil, "", err
	}
	cfg.ZapLoggerBuilder = embed.NewZapLoggerBuilder(lg)
	e, err := embed.StartEtcd(cfg)
	if err != nil {
		return nil, "", err
	}
	select {
	case <-e.Server.ReadyNotify():
	case err := <-e.Err():
		return nil, "", err
	case <-time.After(30 * time.Second):
		e.Server.Stop()
		return nil, "", errors.New("not ready after 30s")
	}
	return e, client.String(), nil
}

// writeKubeconfig: context "real" uses a static bearer token, which costs the
// server nothing to check; "real-cert" is the same power by client certificate
// (checked by signature on every single request: ~15% of the server's CPU).
func writeKubeconfig(path, server string, p *pkiFiles) error {
	k := clientcmdapi.NewConfig()
	k.Clusters["real"] = &clientcmdapi.Cluster{Server: server, CertificateAuthorityData: p.caPEM}
	k.AuthInfos["admin"] = &clientcmdapi.AuthInfo{Token: p.token}
	k.AuthInfos["admin-cert"] = &clientcmdapi.AuthInfo{ClientCertificateData: p.adminCrt, ClientKeyData: p.adminKey}
	k.Contexts["real"] = &clientcmdapi.Context{Cluster: "real", AuthInfo: "admin"}
	k.Contexts["real-cert"] = &clientcmdapi.Context{Cluster: "real", AuthInfo: "admin-cert"}
	k.CurrentContext = "real"
	return clientcmd.WriteToFile(*k, path)
}
