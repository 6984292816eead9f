//! The files of channels.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    time::SystemTime,
};

use ward_interop::{
    channel::{Channel, ChannelError, check_name},
    contract::{Interface, Purpose},
};

use crate::{Failure, commands::serve::certificate::written};

/// Every channel of a folder, by name.
///
/// - Errors: a file that is no channel, with what is wrong in it.
pub fn read(folder: &Path) -> Result<BTreeMap<String, Channel>, Failure> {
    let mut channels = BTreeMap::new();
    let entries = fs::read_dir(folder).map_err(|e| Failure::Io("the folder of channels", e))?;
    for entry in entries {
        let path = entry.map_err(|e| Failure::Io("the folder of channels", e))?.path();
        if path.extension().is_some_and(|it| it == "toml") {
            let (name, channel) = one(&path)?;
            channels.insert(name, channel);
        }
    }
    Ok(channels)
}

/// One channel and its name, which is that of its file.
pub fn one(path: &Path) -> Result<(String, Channel), Failure> {
    let wrong = |why: &dyn std::fmt::Display| Failure::Usage(format!("{}: {why}", path.display()));
    let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    check_name(&name).map_err(|error| wrong(&error))?;
    let text = fs::read_to_string(path).map_err(|e| Failure::Io("a channel", e))?;
    let told = |error: ChannelError| match std::error::Error::source(&error) {
        Some(source) => wrong(&source),
        None => wrong(&error),
    };
    let channel = text.parse::<Channel>().map_err(told)?;
    let channel = channel.rooted(path.parent().unwrap_or(Path::new("")));
    let channel = match &channel.script {
        None => channel,
        Some(script) => {
            let source = fs::read_to_string(script).map_err(|e| Failure::Io("a script", e))?;
            channel.with_script(&source).map_err(told)?
        }
    };
    Ok((name, channel))
}

/// The interface of the server's own listener and those of channels with a source of their own,
/// with what each passes on.
pub fn interfaces(
    main: &Interface,
    channels: &BTreeMap<String, Channel>,
) -> BTreeMap<String, Interface> {
    let mut interfaces = BTreeMap::from([(main.name.clone(), main.clone())]);
    for (name, channel) in channels.iter().filter(|(_, channel)| channel.from.is_own()) {
        let purpose = if channel.take.chart { Purpose::Chart } else { Purpose::Keep };
        let script = channel.chart_script();
        let own = Interface {
            name: name.clone(),
            purpose,
            script,
            follows_sequence: channel.from.sequence_numbers,
            ..main.clone()
        };
        interfaces.insert(name.clone(), own);
    }
    for (name, channel) in channels {
        let from = channel.from.interface.as_ref().unwrap_or(name);
        if let Some(interface) = interfaces.get_mut(from) {
            interface.forwards.extend(channel.forwards(name));
        }
    }
    interfaces
}

/// When each of some files was last written.
pub type Times = BTreeMap<PathBuf, Option<SystemTime>>;

/// When each file of the channels was last written, the ones that they name too.
pub fn times(folder: &Path, channels: &BTreeMap<String, Channel>) -> Times {
    let entries = fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
    let toml = entries.map(|it| it.path()).filter(|it| it.extension().is_some_and(|e| e == "toml"));
    let named = channels.values().flat_map(Channel::files).map(Path::to_path_buf);
    toml.chain(named).map(|path| (path.clone(), written(&path))).collect()
}
