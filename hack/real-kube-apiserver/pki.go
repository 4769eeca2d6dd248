package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"
)

type pkiFiles struct {
	caPEM, adminCrt, adminKey []byte
	token                     string
}

// makePKI (re)writes ca, apiserver, admin, front-proxy certificates and the
// service-account key. An existing ca.key/sa.key is kept, so --dir can be reused.
func makePKI(dir string) (*pkiFiles, error) {
	p := func(n string) string { return filepath.Join(dir, n) }
	now := time.Now().Add(-time.Hour)
	end := now.AddDate(1, 0, 0)
	serial := func() *big.Int { n, _ := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120)); return n }

	loadOrNew := func(file string) (*ecdsa.PrivateKey, error) {
		if b, err := os.ReadFile(p(file)); err == nil {
			if blk, _ := pem.Decode(b); blk != nil {
				return x509.ParseECPrivateKey(blk.Bytes)
			}
		}
		k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			return nil, err
		}
		der, err := x509.MarshalECPrivateKey(k)
		if err != nil {
			return nil, err
		}
		return k, os.WriteFile(p(file), pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der}), 0o600)
	}
	caKey, err := loadOrNew("ca.key")
	if err != nil {
		return nil, err
	}
	if _, err := loadOrNew("sa.key"); err != nil {
		return nil, err
	}
	caT := &x509.Certificate{
		SerialNumber: serial(), Subject: pkix.Name{CommonName: "real-kube-apiserver-ca"}, NotBefore: now, NotAfter: end,
		IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign | x509.KeyUsageDigitalSignature,
	}
	caDER, err := x509.CreateCertificate(rand.Reader, caT, caT, &caKey.PublicKey, caKey)
	if err != nil {
		return nil, err
	}
	caCrt, err := x509.ParseCertificate(caDER)
	if err != nil {
		return nil, err
	}
	out := &pkiFiles{caPEM: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: caDER})}
	if err := os.WriteFile(p("ca.crt"), out.caPEM, 0o644); err != nil {
		return nil, err
	}
	if b, err := os.ReadFile(p("tokens.csv")); err == nil {
		out.token, _, _ = strings.Cut(string(b), ",")
	} else {
		out.token = rand.Text()
		if err := os.WriteFile(p("tokens.csv"), []byte(out.token+",admin,admin,system:masters\n"), 0o600); err != nil {
			return nil, err
		}
	}
	issue := func(name, cn string, orgs []string, eku x509.ExtKeyUsage, dns []string, ips []net.IP) (crt, key []byte, err error) {
		k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			return nil, nil, err
		}
		t := &x509.Certificate{
			SerialNumber: serial(), Subject: pkix.Name{CommonName: cn, Organization: orgs}, NotBefore: now, NotAfter: end,
			KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{eku}, DNSNames: dns, IPAddresses: ips,
		}
		der, err := x509.CreateCertificate(rand.Reader, t, caCrt, &k.PublicKey, caKey)
		if err != nil {
			return nil, nil, err
		}
		kd, err := x509.MarshalECPrivateKey(k)
		if err != nil {
			return nil, nil, err
		}
		crt = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
		key = pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: kd})
		if err := os.WriteFile(p(name+".crt"), crt, 0o644); err != nil {
			return nil, nil, err
		}
		return crt, key, os.WriteFile(p(name+".key"), key, 0o600)
	}
	if _, _, err := issue("apiserver", "kube-apiserver", nil, x509.ExtKeyUsageServerAuth,
		[]string{"localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local"},
		[]net.IP{net.IPv4(127, 0, 0, 1), net.IPv4(10, 0, 0, 1), net.IPv6loopback}); err != nil {
		return nil, err
	}
	if _, _, err := issue("front-proxy", "front-proxy-client", nil, x509.ExtKeyUsageClientAuth, nil, nil); err != nil {
		return nil, err
	}
	out.adminCrt, out.adminKey, err = issue("admin", "admin", []string{"system:masters"}, x509.ExtKeyUsageClientAuth, nil, nil)
	return out, err
}
