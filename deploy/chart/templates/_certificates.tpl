{{/* The certificates with which the bot and buildkitd authenticate each other, as the data of a Secret: those that the
cluster has already, else new ones. The authority's key is not kept, so that nobody can issue more. */}}
{{- define "chatops.buildkit.certificates" -}}
{{- $name := printf "%s-buildkit" (include "chatops.fullname" .) -}}
{{- $kept := lookup "v1" "Secret" .Release.Namespace $name -}}
{{- if $kept -}}
{{ toYaml $kept.data }}
{{- else -}}
{{- $days := 3650 -}}
{{- $names := list $name (printf "%s.%s" $name .Release.Namespace) (printf "%s.%s.svc" $name .Release.Namespace) -}}
{{- $authority := genCA (printf "%s-authority" $name) $days -}}
{{- $server := genSignedCert $name nil $names $days $authority -}}
{{- $client := genSignedCert "chatops" nil nil $days $authority -}}
ca.pem: {{ $authority.Cert | b64enc }}
server.pem: {{ $server.Cert | b64enc }}
server-key.pem: {{ $server.Key | b64enc }}
client.pem: {{ $client.Cert | b64enc }}
client-key.pem: {{ $client.Key | b64enc }}
{{- end -}}
{{- end }}
