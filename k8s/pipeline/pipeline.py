"""From a folder of images to the model that serves, as a pipeline of Kubeflow Pipelines.

    pip install --requirement requirements/kfp.txt
    python k8s/pipeline/pipeline.py   # writes pipeline.yaml

Each step is a command of ``umop`` in the training image, on the claims of ``k8s/train-job.yaml``. A
step that fails stops the pipeline with its own message; started again with the same ``run``, the
pipeline goes on where it was. ``docs/pipeline.md`` has the steps.
"""

import sys

from kfp import compiler, dsl, kubernetes

TRAIN = "ghcr.io/umop/umop-train:0.1.0-cuda"
KUBECTL = "registry.k8s.io/kubectl:v1.36.2"
GPUS = 1
CORES = "4"  # a GPU: its process and its data loaders
MEMORY = "24Gi"  # with what is in /dev/shm
SHARED_MEMORY = "4Gi"
USER = 10001
DEPLOYMENTS = ["deployment/umop-api", "deployment/umop-torchserve"]  # embedded: only the first

COMPARE = """
if [ "$0" = none ]; then
  echo "No model serves yet, so there is nothing to compare $1 with."
else
  umop compare "$0" "$1" --data "$2"
fi
"""
EXPORT = 'umop export "$0" --version "$1" ${2:+--sign "$2"}'


def prepared(task: dsl.PipelineTask) -> dsl.PipelineTask:
    """Gives a step the claims, on nodes with GPUs too where their disks are, and shared memory."""
    for claim, path in (("data", "data"), ("runs", "runs"), ("cache", "cache")):
        kubernetes.mount_pvc(task, pvc_name=f"umop-{claim}", mount_path=f"/workspace/{path}")
    kubernetes.empty_dir_mount(
        task, "shm", mount_path="/dev/shm", medium="Memory", size_limit=SHARED_MEMORY
    )
    task.set_env_variable("OMP_NUM_THREADS", CORES)
    kubernetes.add_node_selector(task, "kubernetes.io/arch", "amd64")  # as the image
    kubernetes.add_toleration(task, key="nvidia.com/gpu", operator="Exists", effect="NoSchedule")
    kubernetes.add_pod_annotation(task, "karpenter.sh/do-not-disrupt", "true")
    kubernetes.add_pod_annotation(task, "cluster-autoscaler.kubernetes.io/safe-to-evict", "false")
    return confined(task, CORES, MEMORY)


def confined(task: dsl.PipelineTask, cores: str = "0.5", memory: str = "256Mi") -> dsl.PipelineTask:
    """Bounds a step, gives it a user without rights, and has it run each time."""
    task.set_cpu_request(cores).set_cpu_limit(cores)
    task.set_memory_request(memory).set_memory_limit(memory)
    kubernetes.set_security_context(task, USER, USER, run_as_non_root=True)
    return task.set_caching_options(False)


def accelerated(task: dsl.PipelineTask) -> dsl.PipelineTask:
    """Gives a step the GPUs."""
    return task.set_accelerator_type("nvidia.com/gpu").set_accelerator_limit(GPUS)


@dsl.container_component
def check(data: str):
    """Ends with what is wrong with the data, before a GPU waits for it."""
    return dsl.ContainerSpec(image=TRAIN, command=["umop", "data", "check", data])


@dsl.container_component
def train(config: str, run: str, data: str):
    return dsl.ContainerSpec(
        image=TRAIN, command=["umop", "train", config, "--run", run, "--data", data]
    )


@dsl.container_component
def evaluate(run: str, data: str):
    return dsl.ContainerSpec(image=TRAIN, command=["umop", "eval", run, "--data", data])


@dsl.container_component
def compare(serving: str, run: str, data: str):
    """Fails (exit code 3) where the new model is worse than the one that serves."""
    return dsl.ContainerSpec(image=TRAIN, command=["sh", "-ec", COMPARE, serving, run, data])


@dsl.container_component
def export(run: str, version: str, key: str):
    """Writes the bundle, held to what the checkpoint finds, and signs it where there is a key."""
    return dsl.ContainerSpec(image=TRAIN, command=["sh", "-ec", EXPORT, run, version, key])


@dsl.container_component
def roll_out(setting: str):
    """Has every pod of serving take a bundle; ``kubectl rollout undo`` takes the one before."""
    command = ["kubectl", "set", "env", *DEPLOYMENTS, setting]
    return dsl.ContainerSpec(image=KUBECTL, command=command)


@dsl.container_component
def wait(deployment: str):
    """Fails where the new pods do not become ready; the old ones answer for as long."""
    command = ["kubectl", "rollout", "status", deployment, "--timeout=15m"]
    return dsl.ContainerSpec(image=KUBECTL, command=command)


@dsl.pipeline(name="umop", description="Trains a detector, and serves it unless it is worse.")
def umop(
    run: str,
    serving: str,
    data: str = "/workspace/data",
    config: str = "r50",
    version: str = "1.0",
    key: str = "",
    deploy: bool = True,
):
    """
    Args:
        run: Name of the run, a new one for each model.
        serving: Run whose model serves; none where none does yet.
        data: Folder of the data set on the claim umop-data, or an address in object storage.
        config: Config to train.
        version: Version that the new model gets.
        key: Private key to sign with; /etc/umop-sign/sign.key is that of the secret umop-sign-key.
        deploy: Whether the model is rolled out at the end.
    """
    checked = prepared(check(data=data))
    trained = accelerated(prepared(train(config=config, run=run, data=data).after(checked)))
    evaluated = accelerated(prepared(evaluate(run=run, data=data).after(trained)))
    compared = accelerated(prepared(compare(serving=serving, run=run, data=data).after(evaluated)))
    exported = prepared(export(run=run, version=version, key=key).after(compared))
    kubernetes.use_secret_as_volume(exported, "umop-sign-key", "/etc/umop-sign", optional=True)
    with dsl.If(deploy == True, name="deploy"):  # noqa: E712
        last = confined(roll_out(setting=f"UMOP_BUNDLE=/models/{run}/{run}.bundle").after(exported))
        for deployment in DEPLOYMENTS:
            last = confined(wait(deployment=deployment).after(last))


if __name__ == "__main__":
    compiler.Compiler().compile(umop, sys.argv[1] if sys.argv[1:] else "pipeline.yaml")
