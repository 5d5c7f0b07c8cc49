"""Pods of the manifests as containers of Docker: the same command, user, root and mounts."""

from __future__ import annotations

from pathlib import Path

from tests.k8s.manifests import Container


def as_container(each: Container, volumes: dict[str, Path], **fields: str) -> list[str]:
    """The words after `docker run` that start a container as a kubelet would.

    Args:
        each: The container in a manifest.
        volumes: The folder in the place of each volume that is no emptyDir.
        fields: What the cluster fills in: variables that come from a field of the pod.
    """
    security = each.pod["securityContext"]
    assert each.spec["securityContext"]["readOnlyRootFilesystem"]
    words = ["--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges"]
    words += [f"--user={security['runAsUser']}:{security['runAsGroup']}"]
    kinds = {volume["name"]: volume for volume in each.pod["volumes"]}
    for mount in each.spec["volumeMounts"]:
        path = mount["mountPath"]
        if "emptyDir" in kinds[mount["name"]]:
            owner = f"uid={security['runAsUser']},gid={security['fsGroup']},mode=0777"
            words += ["--tmpfs", f"{path}:exec,{owner}"]
        else:
            access = "ro" if mount.get("readOnly") else "rw"
            words += ["--volume", f"{volumes[mount['name']]}:{path}:{access}"]
    for name, value in {**each.variables(), **fields}.items():
        words += ["--env", f"{name}={value}"]
    command = each.command()
    entrypoint = ["--entrypoint", command[0]] if command else []
    return [*words, *entrypoint, each.spec["image"], *command[1:]]
