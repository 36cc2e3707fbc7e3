"""Checks of a pod what no schema can say: that its probes are the server's, and that its end has the time it takes."""

import sys

import yaml

[pod] = [
    document["spec"]["template"]
    for document in yaml.safe_load_all(open(sys.argv[1]))
    if document["kind"] == "Deployment"
]
[container] = pod["spec"]["containers"]
paths = {name: container[f"{name}Probe"]["httpGet"]["path"] for name in ["startup", "liveness", "readiness"]}
assert paths == {"startup": "/health/startup", "liveness": "/health/live", "readiness": "/health/ready"}, paths

[port] = container["ports"]
assert pod["metadata"]["annotations"]["prometheus.io/path"] == "/metrics"
assert pod["metadata"]["annotations"]["prometheus.io/port"] == str(port["containerPort"])

[_, delay] = container["lifecycle"]["preStop"]["exec"]["command"]
[timeout] = [variable["value"] for variable in container["env"] if variable["name"] == "SHUTDOWN_TIMEOUT"]
grace = pod["spec"]["terminationGracePeriodSeconds"]
assert int(delay) + int(timeout) < grace, f"{delay} s and {timeout} s, but only {grace} s for both"
