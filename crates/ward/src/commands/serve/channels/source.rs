//! The source of one channel: a listener or a folder, replaced without losing what is under way.

use std::{
    convert::Infallible,
    fs,
    path::{Path, PathBuf},
    pin::Pin,
    sync::Arc,
    time::{Duration, SystemTime},
};

use tokio::sync::{mpsc, watch};
use ward_interop::{
    channel::From,
    contract::{Interface, Receiver},
    http::{HttpListening, Token},
    listen::{ListenSettings, Socket, Stop},
    mllp::Listening,
};

use crate::{
    Failure,
    commands::serve::certificate::{CertificateFiles, written},
};

/// How often a folder is looked at.
/// LIMIT: a file is taken within two seconds.
const FOLDER_REST: Duration = Duration::from_secs(2);

/// What every source of a server shares.
#[derive(Clone)]
pub struct Ground {
    pub receiver: Receiver,
    pub settings: ListenSettings,
    pub stop: watch::Receiver<bool>,
    /// Held by every source until what came by it is finished.
    pub alive: mpsc::Sender<Infallible>,
}

/// A source that runs. When it is dropped nothing more is accepted, and what came is finished.
pub struct Source {
    said: Said,
    socket: Option<Socket>,
    interface: watch::Sender<Arc<Interface>>,
    /// INVARIANT: turned or dropped only when the source is to end.
    _running: watch::Sender<bool>,
}

/// What a source was started from.
#[derive(PartialEq)]
struct Said {
    from: From,
    /// When the file of the token was written; those of certificates are followed.
    token: Option<SystemTime>,
}

impl Said {
    fn of(from: &From) -> Said {
        let token = from.token_file.as_deref().and_then(written);
        Said { from: from.clone(), token }
    }
}

impl Source {
    /// Starts what `from` says; with `before`, in its place.
    ///
    /// - Shape: the new one is open before the old one ends, and takes over its socket where the
    ///   address is the same, so that at no moment nobody listens.
    /// - Errors: the old one goes on; it is given back.
    pub async fn start(
        ground: &Ground,
        from: &From,
        interface: Interface,
        before: Option<Source>,
    ) -> Result<Source, (Failure, Option<Source>)> {
        let said = Said::of(from);
        let before = match before {
            Some(same) if same.said == said => {
                same.announce(interface);
                return Ok(same);
            }
            other => other,
        };
        let socket = match (from.address(), &before) {
            (None, _) => None,
            (Some(address), Some(old)) if old.said.from.address() == Some(address) => {
                old.socket.clone()
            }
            (Some(address), _) => match Socket::bind(address).await {
                Ok(socket) => Some(socket),
                Err(error) => return Err((error.into(), before)),
            },
        };
        let (announce, announced) = watch::channel(Arc::new(interface));
        let (running, retired) = watch::channel(false);
        let stop = Stop::new(ground.stop.clone(), Some(retired.clone()));
        if let Err(failure) = spawn(ground, from, socket.clone(), announced, (stop, retired)) {
            return Err((failure, before));
        }
        if let Some(before) = before {
            // Its last connections take messages as the channel is now.
            before.announce(announce.borrow().as_ref().clone());
            tracing::info!("source of a channel replaced");
        }
        Ok(Source { said, socket, interface: announce, _running: running })
    }

    /// What becomes of the messages that come from now on.
    pub fn announce(&self, interface: Interface) {
        // Nobody listens any more when the server ends.
        let _ended = self.interface.send_replace(Arc::new(interface));
    }
}

fn spawn(
    ground: &Ground,
    from: &From,
    socket: Option<Socket>,
    interface: watch::Receiver<Arc<Interface>>,
    (stop, retired): (Stop, watch::Receiver<bool>),
) -> Result<(), Failure> {
    let Ground { receiver, settings, alive, .. } = ground.clone();
    let kept_alive = |work: Pin<Box<dyn Future<Output = ()> + Send>>| async move {
        let _alive = alive;
        work.await;
    };
    if let Some(folder) = from.folder.clone() {
        tokio::spawn(kept_alive(Box::pin(taking(receiver, interface, folder, retired))));
        return Ok(());
    }
    let Some(socket) = socket else { return Ok(()) };
    let files = from.tls.as_ref().map(|tls| CertificateFiles {
        cert: tls.cert.clone(),
        key: tls.key.clone(),
        client_ca: tls.client_ca.clone(),
    });
    let tls = CertificateFiles::follow(files)?;
    if from.mllp.is_some() {
        let listening = Listening::new(socket, receiver, interface, settings, tls);
        tokio::spawn(kept_alive(Box::pin(listening.run(stop))));
    } else {
        let token = from.token_file.as_deref().map(secret).transpose()?;
        let token = token.as_deref().map(Token::of);
        let listening = HttpListening::new(socket, receiver, interface, settings, tls, token);
        tokio::spawn(kept_alive(Box::pin(listening.run(stop))));
    }
    Ok(())
}

/// The content of a file that holds a secret.
pub fn secret(path: &Path) -> Result<String, Failure> {
    let text = fs::read_to_string(path).map_err(|e| Failure::Io("the file of a secret", e))?;
    match text.trim() {
        "" => Err(Failure::Usage("the file of a secret is empty".to_owned())),
        text => Ok(text.to_owned()),
    }
}

/// Takes files as messages, and moves each to `done` or `bad` when it has been answered.
async fn taking(
    receiver: Receiver,
    interface: watch::Receiver<Arc<Interface>>,
    folder: PathBuf,
    mut retired: watch::Receiver<bool>,
) {
    let name = interface.borrow().name.clone();
    let open = receiver.figures().open(&name, folder.display().to_string());
    loop {
        let entries = fs::read_dir(&folder);
        open.set_open(entries.is_ok());
        let mut files: Vec<PathBuf> = entries
            .into_iter()
            .flatten()
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter(|path| path.extension().is_some_and(|it| it == "hl7") && path.is_file())
            .collect();
        files.sort();
        for file in files {
            // Nobody holds the other end any more: the source was replaced.
            if retired.has_changed().is_err() {
                return;
            }
            let Ok(bytes) = fs::read(&file) else { continue };
            let now = Arc::clone(&interface.borrow());
            let place = match receiver.take_file_whole(&now, &bytes).await {
                Some(true) => "done",
                Some(false) => "bad",
                // The chart cannot take it now: it stays, and so do those after it.
                None => break,
            };
            let to = folder.join(place);
            let moved = fs::create_dir_all(&to)
                .and_then(|()| fs::rename(&file, to.join(file.file_name().unwrap_or_default())));
            if let Err(error) = moved {
                tracing::error!(%error, "a file of messages cannot be moved");
                break;
            }
        }
        tokio::select! {
            _ended = retired.changed() => return,
            () = tokio::time::sleep(FOLDER_REST) => {}
        }
    }
}
