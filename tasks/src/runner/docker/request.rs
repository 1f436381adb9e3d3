//! What the daemon is asked for: the options of a task, rendered.

use std::collections::HashMap;

use bollard::auth::DockerCredentials;
use bollard::models::{ContainerCreateBody, DeviceRequest, HostConfig, PortBinding, PortMap};
use flowmill_common::log::Level;

use super::error::Error;
use super::image;
use super::options::{self, FileHandling, Options, PullPolicy, size};
use super::{Flavour, labels};
use crate::context::RunContext;
use crate::property::{Coerce, Property};
use crate::runner::CommandSpec;

/// The options of one run, rendered.
pub(super) struct Request {
    pub(super) image: String,
    pub(super) pull_policy: PullPolicy,
    pub(super) credentials: Option<DockerCredentials>,
    pub(super) body: ContainerCreateBody,
    pub(super) file_handling: FileHandling,
    pub(super) is_deleted: bool,
    pub(super) is_awaited: bool,
    pub(super) is_resumed: bool,
    pub(super) kill_grace: std::time::Duration,
}

impl Request {
    pub(super) async fn new(
        context: &RunContext,
        options: &Options,
        flavour: Flavour,
        command: &CommandSpec,
    ) -> Result<Self, Error> {
        let image = match optional(context, options.image.as_ref()).await? {
            Some(image) => image,
            None => command
                .image
                .clone()
                .filter(|image| !image.is_empty())
                .ok_or_else(|| {
                    Error::property("containerImage", "an image is needed to run in a container")
                })?,
        };
        let file_handling = optional(context, options.file_handling_strategy.as_ref())
            .await?
            .unwrap_or_default();
        Ok(Self {
            pull_policy: optional(context, options.pull_policy.as_ref())
                .await?
                .unwrap_or_default(),
            credentials: credentials(context, options, &image).await?,
            body: body(context, options, flavour, command, &image, file_handling).await?,
            file_handling,
            is_deleted: optional(context, options.delete.as_ref())
                .await?
                .unwrap_or(true),
            is_awaited: optional(context, options.wait.as_ref())
                .await?
                .unwrap_or(true),
            is_resumed: optional(context, options.resume.as_ref())
                .await?
                .unwrap_or(true),
            kill_grace: optional(context, options.kill_grace_period.as_ref())
                .await?
                .unwrap_or_default(),
            image,
        })
    }
}

pub(super) async fn optional<T: Coerce>(
    context: &RunContext,
    property: Option<&Property<T>>,
) -> Result<Option<T>, Error> {
    Property::render_optional(property, context)
        .await
        .map_err(|error| Error::Render(error.to_string()))
}

async fn credentials(
    context: &RunContext,
    options: &Options,
    image: &str,
) -> Result<Option<DockerCredentials>, Error> {
    if let Some(given) = &options.credentials {
        let mut credentials = DockerCredentials {
            username: optional(context, given.username.as_ref()).await?,
            password: optional(context, given.password.as_ref()).await?,
            registrytoken: optional(context, given.registry_token.as_ref()).await?,
            identitytoken: optional(context, given.identity_token.as_ref()).await?,
            serveraddress: optional(context, given.registry.as_ref()).await?,
            ..DockerCredentials::default()
        };
        if let Some(auth) = optional(context, given.auth.as_ref()).await? {
            let wrong =
                || Error::property("credentials", "`auth` is not `user:password` in Base64");
            let (username, password) = image::decoded(&auth).ok_or_else(wrong)?;
            (credentials.username, credentials.password) = (Some(username), Some(password));
        }
        return Ok(Some(credentials));
    }
    match optional(context, options.config.as_ref()).await? {
        Some(config) => image::credentials_of(&config, image),
        None => Ok(None),
    }
}

async fn body(
    context: &RunContext,
    options: &Options,
    flavour: Flavour,
    command: &CommandSpec,
    image: &str,
    file_handling: FileHandling,
) -> Result<ContainerCreateBody, Error> {
    let entry_point = optional(context, options.entry_point.as_ref()).await?;
    let user = optional(context, options.user.as_ref())
        .await?
        .or_else(|| command.user.clone());
    let host = host_config(context, options, command, file_handling).await?;
    let ports = host
        .port_bindings
        .as_ref()
        .map(|ports| ports.keys().cloned().collect());
    Ok(ContainerCreateBody {
        image: Some(image.to_owned()),
        cmd: Some(command.command.clone()),
        entrypoint: entry_point.or(match flavour {
            // Images whose entry point is a program of their own run the task's commands all the same.
            Flavour::TaskRunner => Some(vec![String::new()]),
            Flavour::Legacy => None,
        }),
        env: Some(
            command
                .environment
                .iter()
                .map(|(name, value)| format!("{name}={value}"))
                .collect(),
        ),
        working_dir: Some(command.working_directory.to_string_lossy().into_owned()),
        user: user.filter(|user| !user.is_empty()),
        labels: Some(labels::of(&context.job)),
        attach_stdout: Some(true),
        attach_stderr: Some(true),
        exposed_ports: ports,
        host_config: Some(host),
        ..ContainerCreateBody::default()
    })
}

async fn host_config(
    context: &RunContext,
    options: &Options,
    command: &CommandSpec,
    file_handling: FileHandling,
) -> Result<HostConfig, Error> {
    let mut host = HostConfig {
        network_mode: optional(context, options.network_mode.as_ref()).await?,
        extra_hosts: optional(context, options.extra_hosts.as_ref()).await?,
        privileged: optional(context, options.privileged.as_ref()).await?,
        shm_size: bytes(context, "shmSize", options.shm_size.as_ref()).await?,
        port_bindings: ports(context, options).await?,
        device_requests: devices(context, options).await?,
        binds: binds(context, options, command, file_handling).await?,
        ..HostConfig::default()
    };
    if let Some(cpu) = &options.cpu
        && let Some(cpus) = optional(context, cpu.cpus.as_ref()).await?
    {
        if !(cpus > 0.0 && cpus < 1e6) {
            return Err(Error::property(
                "cpu.cpus",
                format!("`{cpus}` is not a number of cores"),
            ));
        }
        host.nano_cpus = Some((cpus * 1e9) as i64);
    }
    if let Some(memory) = &options.memory {
        host.memory = bytes(context, "memory.memory", memory.memory.as_ref()).await?;
        host.memory_swap = bytes(context, "memory.memorySwap", memory.memory_swap.as_ref()).await?;
        host.memory_reservation = bytes(
            context,
            "memory.memoryReservation",
            memory.memory_reservation.as_ref(),
        )
        .await?;
        host.memory_swappiness = bytes(
            context,
            "memory.memorySwappiness",
            memory.memory_swappiness.as_ref(),
        )
        .await?;
        host.oom_kill_disable = optional(context, memory.oom_kill_disable.as_ref()).await?;
        if memory.kernel_memory.is_some() {
            context.log(
                Level::Debug,
                "`memory.kernelMemory` is ignored: Docker has given it up",
            );
        }
    }
    Ok(host)
}

async fn bytes(
    context: &RunContext,
    name: &'static str,
    property: Option<&Property<String>>,
) -> Result<Option<i64>, Error> {
    let text = optional(context, property).await?;
    let text = text.filter(|text| !text.trim().is_empty());
    text.map(|text| size(&text).map_err(|reason| Error::property(name, reason)))
        .transpose()
}

async fn binds(
    context: &RunContext,
    options: &Options,
    command: &CommandSpec,
    file_handling: FileHandling,
) -> Result<Option<Vec<String>>, Error> {
    let mut binds = optional(context, options.volumes.as_ref())
        .await?
        .unwrap_or_default();
    if !binds.is_empty() && !context.config.docker.volume_enabled {
        context.log(
            Level::Warn,
            "`volumes` are ignored: the worker does not allow them (`tasks.docker.volumeEnabled`)",
        );
        binds.clear();
    }
    if file_handling == FileHandling::Mount {
        let folder = command.working_directory.display();
        binds.push(format!("{folder}:{folder}:rw"));
    }
    Ok(Some(binds).filter(|binds| !binds.is_empty()))
}

async fn ports(context: &RunContext, options: &Options) -> Result<Option<PortMap>, Error> {
    let Some(written) = optional(context, options.port_bindings.as_ref()).await? else {
        return Ok(None);
    };
    let mut ports: PortMap = HashMap::new();
    for text in written {
        let (port, binding) =
            port(&text).map_err(|reason| Error::property("portBindings", reason))?;
        ports
            .entry(port)
            .or_default()
            .get_or_insert_default()
            .push(binding);
    }
    Ok(Some(ports))
}

/// `8080:80`, `127.0.0.1:8080:80`, `80`, each with `/tcp` or `/udp`.
fn port(text: &str) -> Result<(String, PortBinding), String> {
    let (address, protocol) = text.trim().rsplit_once('/').unwrap_or((text.trim(), "tcp"));
    let parts: Vec<_> = address.rsplitn(3, ':').collect();
    let is_number = |text: &str| text.parse::<u16>().is_ok();
    let (inside, outside, ip) = match parts.as_slice() {
        [inside] => (*inside, None, None),
        [inside, outside] => (*inside, Some(*outside), None),
        [inside, outside, ip] => (
            *inside,
            Some(*outside).filter(|port| !port.is_empty()),
            Some(*ip),
        ),
        _ => return Err(format!("`{text}` is not a port such as `8080:80`")),
    };
    if !is_number(inside)
        || !outside.is_none_or(is_number)
        || !["tcp", "udp", "sctp"].contains(&protocol)
    {
        return Err(format!("`{text}` is not a port such as `8080:80`"));
    }
    let binding = PortBinding {
        host_ip: ip.map(str::to_owned),
        host_port: outside.map(str::to_owned),
    };
    Ok((format!("{inside}/{protocol}"), binding))
}

async fn devices(
    context: &RunContext,
    options: &Options,
) -> Result<Option<Vec<DeviceRequest>>, Error> {
    let Some(written) = &options.device_requests else {
        return Ok(None);
    };
    let mut devices = Vec::new();
    for device in written {
        devices.push(device_request(context, device).await?);
    }
    Ok(Some(devices))
}

async fn device_request(
    context: &RunContext,
    device: &options::DeviceRequest,
) -> Result<DeviceRequest, Error> {
    let more = optional(context, device.options.as_ref()).await?;
    Ok(DeviceRequest {
        driver: optional(context, device.driver.as_ref()).await?,
        count: optional(context, device.count.as_ref()).await?,
        device_ids: optional(context, device.device_ids.as_ref()).await?,
        capabilities: optional(context, device.capabilities.as_ref()).await?,
        options: more.map(|more| more.into_iter().collect()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_read_as_docker_reads_them() {
        let read =
            |text| port(text).map(|(inside, binding)| (inside, binding.host_ip, binding.host_port));
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(read("8080:80"), Ok(("80/tcp".into(), None, some("8080"))));
        assert_eq!(
            read("127.0.0.1:53:53/udp"),
            Ok(("53/udp".into(), some("127.0.0.1"), some("53")))
        );
        assert_eq!(read("80"), Ok(("80/tcp".into(), None, None)));
        for text in ["http:80", "80/ip", "", "1:99999"] {
            assert!(read(text).unwrap_err().contains("is not a port"), "{text}");
        }
    }
}
