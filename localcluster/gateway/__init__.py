"""A small Gateway API controller in front of one Envoy.

It follows GatewayClass (of controller ``rollmodel.dev/localcluster-gateway``), Gateway, HTTPRoute, GRPCRoute, Service
and EndpointSlice, feeds Envoy by files (xDS over the file system), and writes conditions only when Envoy has taken the
configuration they speak of: to whoever waits for ``observedGeneration``, the weights are real.

What it supports of Gateway API v1: HTTP listeners; hostnames; path (Exact, PathPrefix), header (Exact), query parameter
(Exact) and method matches with the precedence rules; weights; RequestMirror with percent or fraction; URLRewrite that
replaces the prefix; timeouts. Of a GRPCRoute: services and methods (Exact), metadata (Exact), weights, RequestMirror;
and backends whose port says `kubernetes.io/h2c`.
What it does not: every listener of every Gateway is served on the one address given at the start, whatever port it
names; TLS, route kinds but these, other filters, regular expressions, ReferenceGrants and namespace selectors are
refused in status, with the reasons that the specification has for it.

``snapshot``, ``attachment``, ``backends``, ``routes``, ``translation`` are pure; ``envoy``, ``controller`` do I/O.
"""
