"""A small stand-in for the kubelet: Pods run as plain processes of the user who started it.

It registers one Node, runs each container of a Pod bound to it as a local process, and writes the Pod's status as the
kubelet would. What differs from a real node:

- **No isolation.** Security contexts and resource limits are accepted and not enforced. Host paths are refused.
- **Addresses.** ``status.podIP`` (also through the downward API) is an address in 10.244.0.0/16, for the API's sake.
  Processes must listen on the same address with the first octet 127, which every container finds in
  ``$ROLLMODEL_LISTEN_ADDRESS``; a process that listens on 0.0.0.0 takes the port away from all other Pods.
  There is no cluster DNS, and there are no Service addresses: the name of a headless Service does not resolve, and
  ``hostname`` is in ``$HOSTNAME`` only.
- **Paths.** There is no mount namespace: a volume is a folder below the Pod's own folder. A string of ``command``,
  ``args``, ``workingDir`` or of an environment variable that is a mount path, or a path below one, is rewritten to that
  folder; so is the part after ``=`` in ``--option=/mount/path``. Text within a longer string is left alone. A mount at
  ``/tmp`` also sets ``$TMPDIR``. A program that opens ``/dev/shm`` by itself opens the machine's.
- **Volumes.** ``medium`` and ``sizeLimit`` of an ``emptyDir``, and read-only mounts, are accepted and not enforced. A
  PersistentVolumeClaim can be mounted when it is bound to a PersistentVolume of kind ``hostPath`` or ``local`` whose
  path lies within the cluster's folder; there is no provisioner.
- **Termination message.** ``/dev/termination-log`` (or ``terminationMessagePath``) is rewritten alike, and its file is
  in ``$ROLLMODEL_TERMINATION_LOG``.
- **Login.** Programs that look for a service account below ``/var/run/secrets`` do not find it; the same login is in
  ``$HOME/.kube/config``, where they look next.
- **Images** are names in a table of local commands, see :mod:`localcluster.node.containers.images`. ``imageID`` ends
  in a digest of the table's entry and of the files that it names.
- Volumes are written once, when the Pod starts. Not supported: ephemeral containers, postStart hooks, exec and
  port-forward, gRPC probes, ``resourceFieldRef``, the Pod's own ``activeDeadlineSeconds``, block and network volumes,
  images changed in a running Pod.
"""
