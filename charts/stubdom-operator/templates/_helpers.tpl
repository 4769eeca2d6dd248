{{/* What all names begin with. */}}
{{- define "stubdom.fullname" -}}
{{- default .Release.Name .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- end -}}

{{/* Labels of every object. */}}
{{- define "stubdom.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* Labels by which a component's pods are found; they never change. Takes a list of the context and the component. */}}
{{- define "stubdom.selector" -}}
app.kubernetes.io/name: {{ (index . 0).Chart.Name }}
app.kubernetes.io/instance: {{ (index . 0).Release.Name }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end -}}

{{- define "stubdom.image" -}}
{{- with .Values.image -}}
{{- if .digest -}}{{ .repository }}@{{ .digest }}{{- else -}}{{ .repository }}:{{ default $.Chart.AppVersion .tag }}{{- end -}}
{{- end -}}
{{- end -}}

{{- define "stubdom.controllerAccount" -}}
{{- default (printf "%s-controller" (include "stubdom.fullname" .)) .Values.controller.serviceAccountName -}}
{{- end -}}

{{- define "stubdom.agentAccount" -}}
{{- default (printf "%s-agent" (include "stubdom.fullname" .)) .Values.agent.serviceAccountName -}}
{{- end -}}

{{/* User name of a ServiceAccount. Takes a list of the context and the account. */}}
{{- define "stubdom.accountUser" -}}
system:serviceaccount:{{ (index . 0).Release.Namespace }}:{{ index . 1 }}
{{- end -}}

{{/* The agents keep their Leases in one namespace, which they know by name. */}}
{{- define "stubdom.checkNamespace" -}}
{{- if ne .Release.Namespace "stubdom-system" -}}
{{- fail (printf "install it into the namespace stubdom-system (helm install … -n stubdom-system --create-namespace): that is where agents keep their Leases, and not %s" .Release.Namespace) -}}
{{- end -}}
{{- end -}}

{{/* CEL: whether the request comes from an agent. */}}
{{- define "stubdom.celIsAgent" -}}
(request.userInfo.username == {{ include "stubdom.accountUser" (list . (include "stubdom.agentAccount" .)) | squote }} || request.userInfo.username.startsWith({{ include "stubdom.accountUser" (list . "xenhost-") | squote }}) || request.userInfo.username.startsWith({{ .Values.agent.dom0s.userPrefix | squote }}) || {{ .Values.agent.dom0s.group | squote }} in request.userInfo.groups)
{{- end -}}

{{/* CEL: the XenHost that the agent answers for; '' when its identity names none. */}}
{{- define "stubdom.celHost" -}}
request.userInfo.username.startsWith({{ .Values.agent.dom0s.userPrefix | squote }}) ? request.userInfo.username.substring({{ len .Values.agent.dom0s.userPrefix }}) : request.userInfo.username.startsWith({{ include "stubdom.accountUser" (list . "xenhost-") | squote }}) ? request.userInfo.username.substring({{ len (include "stubdom.accountUser" (list . "xenhost-")) }}) : has(request.userInfo.extra) && 'authentication.kubernetes.io/node-name' in request.userInfo.extra ? request.userInfo.extra['authentication.kubernetes.io/node-name'][0] : ''
{{- end -}}

{{/* CEL: whether the request comes from the operator, or from somebody who may all the same. */}}
{{- define "stubdom.celMayWrite" -}}
request.userInfo.username == {{ include "stubdom.accountUser" (list . (include "stubdom.controllerAccount" .)) | squote }} || {{ include "stubdom.celIsAgent" . }}
{{- range .Values.policies.breakGlass.groups }} || {{ squote . }} in request.userInfo.groups{{ end }}
{{- range .Values.policies.breakGlass.users }} || request.userInfo.username == {{ squote . }}{{ end }}
{{- end -}}

{{/* CEL: a list of strings. */}}
{{- define "stubdom.celList" -}}
[{{ range $index, $text := . }}{{ if $index }}, {{ end }}{{ squote $text }}{{ end }}]
{{- end -}}

{{/* Probes of both programs. */}}
{{- define "stubdom.probes" -}}
startupProbe:
  httpGet: { path: /healthz, port: probes }
  periodSeconds: 2
  failureThreshold: 30
livenessProbe:
  httpGet: { path: /healthz, port: probes }
  periodSeconds: 20
  timeoutSeconds: 5
readinessProbe:
  httpGet: { path: /readyz, port: probes }
  periodSeconds: 10
  timeoutSeconds: 5
{{- end -}}

{{/* CEL, of an update: all finalizers but the agent's are as they were. */}}
{{- define "stubdom.celFinalizersKept" -}}
(has(object.metadata.finalizers) ? object.metadata.finalizers : []).filter(f, f != 'stubdom.io/agent') ==
(has(oldObject.metadata.finalizers) ? oldObject.metadata.finalizers : []).filter(f, f != 'stubdom.io/agent')
{{- end -}}

{{/* CEL, of an update: labels, annotations and owners are as they were. */}}
{{- define "stubdom.celMetadataKept" -}}
(has(object.metadata.labels) ? object.metadata.labels : {}) == (has(oldObject.metadata.labels) ? oldObject.metadata.labels : {}) &&
(has(object.metadata.annotations) ? object.metadata.annotations : {}) == (has(oldObject.metadata.annotations) ? oldObject.metadata.annotations : {}) &&
(has(object.metadata.ownerReferences) ? object.metadata.ownerReferences : []) == (has(oldObject.metadata.ownerReferences) ? oldObject.metadata.ownerReferences : [])
{{- end -}}
