//! Channels that tell what happens in the chart.

use std::time::Duration;

use tokio::task::AbortHandle;
use ward_interop::{
    channel::{Channel, Feed},
    contract::Receiver,
    figures::OpenSource,
    to_v2::Party,
};

use super::LOOK_REST;

/// How long a feed rests that has told all.
/// LIMIT: a message goes out within a second of what it tells.
const FEED_REST: Duration = Duration::from_millis(500);

/// The feed of a channel, for as long as this value is held.
pub struct Telling {
    channel: Channel,
    task: AbortHandle,
    /// Tells that it is at work.
    _open: OpenSource,
}

impl Telling {
    /// Begins to tell; `None` where the channel is none that does, or cannot.
    pub fn start(receiver: &Receiver, name: &str, channel: &Channel) -> Option<Telling> {
        let changes = channel.from.chart?;
        let from = Party {
            application: channel.from.application.clone(),
            facility: channel.from.facility.clone(),
        };
        match Feed::new(receiver.clone(), name, changes, from, channel.forwards(name)) {
            Ok(feed) => {
                let task = tokio::spawn(feeding(feed)).abort_handle();
                let _open = receiver.figures().open(name, String::new());
                Some(Telling { channel: channel.clone(), task, _open })
            }
            Err(error) => {
                tracing::error!(channel = name, %error, "channel not started");
                None
            }
        }
    }

    pub fn is_of(&self, channel: &Channel) -> bool {
        self.channel == *channel
    }
}

impl Drop for Telling {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn feeding(mut feed: Feed) {
    loop {
        match feed.round().await {
            Ok(fed) if fed.has_more => {}
            Ok(_) => tokio::time::sleep(FEED_REST).await,
            Err(error) => {
                tracing::error!(%error, "the feed of a channel waits");
                tokio::time::sleep(LOOK_REST).await;
            }
        }
    }
}
