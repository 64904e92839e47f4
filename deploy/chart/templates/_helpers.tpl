{{- define "chatops.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 50 | trimSuffix "-" -}}
{{- end }}

{{- define "chatops.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 50 | trimSuffix "-" -}}
{{- else if contains (include "chatops.name" .) .Release.Name -}}
{{- .Release.Name | trunc 50 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "chatops.name" .) | trunc 50 | trimSuffix "-" -}}
{{- end -}}
{{- end }}

{{- define "chatops.selector" -}}
app.kubernetes.io/name: {{ include "chatops.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "chatops.labels" -}}
{{ include "chatops.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end }}

{{- define "chatops.account" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "chatops.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end }}

{{- define "chatops.image" -}}
{{- with .Values.image -}}
{{- if .digest -}}{{ .repository }}@{{ .digest }}
{{- else -}}{{ .repository }}:{{ .tag | default $.Chart.AppVersion }}{{ end -}}
{{- end -}}
{{- end }}

{{- define "chatops.replicated" -}}
{{- if and (eq .Values.database "postgresql") (gt (int .Values.replicas) 1) }}yes{{ end -}}
{{- end }}

{{/* The programs to copy: those in `tools`, and the client of the installed buildkitd. */}}
{{- define "chatops.tools" -}}
{{- $tools := .Values.tools -}}
{{- if .Values.buildkit.enabled -}}
{{- $tools = append $tools (dict "image" (include "chatops.buildkit.image" .) "program" "/usr/bin/buildctl") -}}
{{- end -}}
{{- if $tools }}{{ toYaml $tools }}{{ end -}}
{{- end }}

{{- define "chatops.buildkit.image" -}}
{{- $suffix := ternary "" "-rootless" (eq .Values.buildkit.isolation "userns") -}}
{{- .Values.buildkit.image | default (printf "moby/buildkit:v0.21.1%s" $suffix) -}}
{{- end }}

{{- define "chatops.buildkit.secret" -}}
{{- .Values.buildkit.tlsSecret | default (printf "%s-buildkit" (include "chatops.fullname" .)) -}}
{{- end }}

{{/* The security context that the Pod Security Standard `restricted` requires of a container. */}}
{{- define "chatops.confined" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end }}

{{/* The required values. */}}
{{- define "chatops.check" -}}
{{- if not .Values.secrets.existingSecret }}
{{- fail "secrets.existingSecret is required: the name of a Secret with the bot's Gitee token and the webhook secret; see the chart's README" }}
{{- end }}
{{- if and .Values.buildkit.enabled (eq .Values.buildkit.isolation "userns") (semverCompare "<1.30-0" .Capabilities.KubeVersion.Version) }}
{{- fail "buildkit.isolation: userns requires Kubernetes 1.30 or newer, and nodes that support user namespaces" }}
{{- end }}
{{- if and (eq .Values.database "postgresql") (not (hasKey .Values.secrets.keys "STORE__URL")) }}
{{- fail "database: postgresql requires secrets.keys.STORE__URL: the key of the Secret that holds the database URL" }}
{{- end }}
{{- end }}

{{/* The pod template, the same for a Deployment and a StatefulSet. */}}
{{- define "chatops.pod" -}}
metadata:
  labels:
    {{- include "chatops.labels" . | nindent 4 }}
    {{- with .Values.podLabels }}{{ toYaml . | nindent 4 }}{{ end }}
  annotations:
    # A changed configuration starts new pods.
    checksum/config: {{ .Values.config | sha256sum }}
    {{- with .Values.podAnnotations }}{{ toYaml . | nindent 4 }}{{ end }}
spec:
  serviceAccountName: {{ include "chatops.account" . }}
  enableServiceLinks: false
  # For responses in progress. Runs need no time to stop: their state is stored, and the next pod resumes them.
  terminationGracePeriodSeconds: 30
  securityContext:
    runAsNonRoot: true
    runAsUser: 10001
    runAsGroup: 10001
    fsGroup: 10001
    seccompProfile: {type: RuntimeDefault}
  {{- with .Values.image.pullSecrets }}
  imagePullSecrets:
    {{- range . }}
    - name: {{ . }}
    {{- end }}
  {{- end }}
  {{- if include "chatops.tools" . }}
  initContainers:
    {{- range $index, $tool := include "chatops.tools" . | fromYamlArray }}
    - name: tool-{{ $index }}
      image: {{ $tool.image | quote }}
      imagePullPolicy: IfNotPresent
      command: [cp, {{ $tool.program | quote }}, /tools/]
      securityContext:
        {{- include "chatops.confined" $ | nindent 8 }}
      resources: {requests: {cpu: 10m, memory: 16Mi}, limits: {memory: 128Mi}}
      volumeMounts:
        - {name: tools, mountPath: /tools}
    {{- end }}
  {{- end }}
  containers:
    - name: chatops
      image: {{ include "chatops.image" . | quote }}
      imagePullPolicy: {{ .Values.image.pullPolicy }}
      args: [serve, --config, /etc/chatops/chatops.toml]
      env:
        - {name: CHATOPS_SERVER__HOST, value: 0.0.0.0}
        - {name: CHATOPS_SERVER__PORT, value: "8080"}
        - {name: CHATOPS_SERVER__DATA_DIR, value: /data}
        - {name: CHATOPS_PREVIEW__PORT, value: "8081"}
        # The Service's name without a suffix that the bot accepts anyway, and the operator's own names.
        - name: CHATOPS_SERVER__HOSTS
          value: {{ prepend .Values.hosts (printf "%s.%s" (include "chatops.fullname" .) .Release.Namespace) | join "," | quote }}
        {{- with .Values.ingress }}
        {{- if .enabled }}
        - name: CHATOPS_SERVER__PUBLIC_URL
          value: {{ printf "%s://%s" (ternary "https" "http" (ne .tlsSecret "")) .host | quote }}
        {{- end }}
        {{- end }}
        - {name: CHATOPS_DOCKER__ENABLED, value: {{ .Values.docker.enabled | quote }}}
        {{- if .Values.rbac.create }}
        - {name: CHATOPS_KUBERNETES__ENABLED, value: "true"}
        {{- end }}
        {{- if .Values.buildkit.enabled }}
        - name: CHATOPS_BUILDKIT__ADDRESS
          value: tcp://{{ include "chatops.fullname" . }}-buildkit:1234
        - {name: CHATOPS_BUILDKIT__TLS_DIR, value: /run/secrets/buildkit}
        {{- end }}
        {{- if include "chatops.tools" . }}
        - {name: PATH, value: "/opt/chatops/bin:/usr/local/bin:/usr/bin:/bin:/tools"}
        {{- end }}
        {{- range $setting, $key := .Values.secrets.keys }}
        - name: CHATOPS_{{ $setting }}_FILE
          value: /run/secrets/chatops/{{ $key }}
        {{- end }}
        {{- with .Values.env }}{{ toYaml . | nindent 8 }}{{ end }}
      ports:
        - {name: http, containerPort: 8080, protocol: TCP}
        - {name: previews, containerPort: 8081, protocol: TCP}
      startupProbe:
        httpGet: {path: /healthz, port: http}
        periodSeconds: 2
        failureThreshold: 60
      livenessProbe:
        httpGet: {path: /healthz, port: http}
        periodSeconds: 10
        timeoutSeconds: 5
        failureThreshold: 6
      readinessProbe:
        httpGet: {path: /readyz, port: http}
        periodSeconds: 10
        timeoutSeconds: 10
      securityContext:
        {{- include "chatops.confined" . | nindent 8 }}
      resources:
        {{- toYaml .Values.resources | nindent 8 }}
      volumeMounts:
        - {name: data, mountPath: /data}
        - {name: tmp, mountPath: /tmp}
        {{- if include "chatops.tools" . }}
        - {name: tools, mountPath: /tools, readOnly: true}
        {{- end }}
        - {name: config, mountPath: /etc/chatops, readOnly: true}
        - {name: secrets, mountPath: /run/secrets/chatops, readOnly: true}
        {{- if .Values.buildkit.enabled }}
        - {name: buildkit, mountPath: /run/secrets/buildkit, readOnly: true}
        {{- end }}
  volumes:
    - name: tmp
      emptyDir: {}
    {{- if include "chatops.tools" . }}
    - name: tools
      emptyDir: {}
    {{- end }}
    - name: config
      configMap: {name: {{ include "chatops.fullname" . }}}
    - name: secrets
      secret:
        secretName: {{ .Values.secrets.existingSecret }}
        defaultMode: 0440
    {{- if .Values.buildkit.enabled }}
    - name: buildkit
      secret:
        secretName: {{ include "chatops.buildkit.secret" . }}
        defaultMode: 0440
        items:
          - {key: ca.pem, path: ca.pem}
          - {key: client.pem, path: cert.pem}
          - {key: client-key.pem, path: key.pem}
    {{- end }}
    {{- if .Values.data.existingClaim }}
    - name: data
      persistentVolumeClaim: {claimName: {{ .Values.data.existingClaim }}}
    {{- else if or (not .Values.data.persistent) (eq .Values.database "postgresql") }}
    - name: data
      emptyDir: {}
    {{- end }}
  {{- with .Values.nodeSelector }}
  nodeSelector:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.tolerations }}
  tolerations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- if .Values.affinity }}
  affinity:
    {{- toYaml .Values.affinity | nindent 4 }}
  {{- else if include "chatops.replicated" . }}
  topologySpreadConstraints:
    - maxSkew: 1
      topologyKey: kubernetes.io/hostname
      whenUnsatisfiable: ScheduleAnyway
      labelSelector:
        matchLabels:
          {{- include "chatops.selector" . | nindent 10 }}
  {{- end }}
{{- end }}
