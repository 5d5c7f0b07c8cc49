"""Pods of the manifests as containers of Docker: the same command, user, root and mounts."""

from __future__ import annotations

from pathlib import Path

from tests.k8s.manifests import Container, expand


def as_container(
    each: Container, image: str, volumes: dict[str, Path], **variables: str
) -> list[str]:
    """The words after ``docker run`` that start a container as a kubelet would.

    Args:
        each: The container in a manifest.
        image: The image in the place of the manifest's, which nobody has pushed yet.
        volumes: The folder in the place of each volume; an emptyDir without one is a tmpfs.
        variables: Those that a user edits, and those that the cluster fills in.
    """
    security = each.pod["securityContext"]
    assert each.spec["securityContext"]["readOnlyRootFilesystem"]
    words = ["--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges"]
    words += [f"--user={security['runAsUser']}:{security['runAsGroup']}"]
    kinds = {volume["name"]: volume for volume in each.pod["volumes"]}
    for mount in each.spec["volumeMounts"]:
        name, path = mount["name"], mount["mountPath"]
        if name in volumes:
            access = "ro" if mount.get("readOnly") else "rw"
            words += ["--volume", f"{volumes[name]}:{path}:{access}"]
        else:
            assert "emptyDir" in kinds[name], f"{name} needs a folder"
            owner = f"uid={security['runAsUser']},gid={security['fsGroup']},mode=0777"
            words += ["--tmpfs", f"{path}:exec,{owner}"]
    environment = {**each.variables(), **variables}
    for name, value in environment.items():
        words += ["--env", f"{name}={value}"]
    command = [expand(word, environment) for word in each.words()]
    entrypoint = ["--entrypoint", command[0]] if command else []
    return [*words, *entrypoint, image, *command[1:]]
