//! What follows the event feed: figures, subscriptions, notifications, open screens.

use std::sync::Arc;

use tokio::task::JoinSet;
use ward_core::Ctx;
use ward_crypto::Random;
use ward_events::{
    Addresses, Roads,
    figures::{Counter, EventFigures},
    follow,
    live::Live,
    notify::{Finder, MailSettings, Mailer, Rules, Senders, Sending},
    subscriptions::{Settings, Subscriptions},
};
use ward_fhir::subscription;
use ward_records::Records;
use ward_store::{
    handler::{Following, HandleError},
    workflow::Clock,
};
use ward_web::{Events, Principals};

use crate::{Failure, config::Config};

/// What was made ready, and what it needs to run.
pub struct Ready {
    pub events: Events,
    counting: Following<Counter>,
    sending: Option<(Following<Finder>, Senders)>,
}

/// What the settings allow subscriptions.
pub fn rules(config: &Config) -> subscription::Rules {
    subscription::Rules { allow_plaintext: config.events.allow_plaintext }
}

/// Makes everything ready; the figures are those of before.
pub async fn open(
    records: &Records,
    random: &Arc<dyn Random>,
    config: &Config,
    cx: &Ctx,
) -> Result<Ready, Failure> {
    let chart = records.chart().clone();
    let now: Clock = Arc::new(ward_web::now);
    let addresses = config.events.allow_addresses.as_deref().unwrap_or_default();
    let addresses: Addresses =
        addresses.parse().map_err(|error| Failure::Usage(format!("`events`: {error}")))?;
    let roads = Roads::new(addresses, config.events.ca.as_deref())?;
    let principals = Arc::new(Principals::new(records.clone(), Arc::clone(random)));
    let heard = records.clone();
    let behalf: Arc<dyn ward_events::Behalf> = principals.clone();
    let subscriptions = Subscriptions::new(
        chart.clone(),
        Settings {
            base: records.base().into(),
            rules: rules(config),
            roads: roads.clone(),
            give_up_h: config.events.give_up_h.get(),
        },
        behalf,
        Arc::clone(&now),
        Arc::new(move |writes| heard.heard(writes)),
    );
    let figures = EventFigures::default();
    let mut counter = Counter::new(chart.clone(), figures.clone()).map_err(named)?;
    counter.read(cx).await.map_err(handled)?;
    let counting = Following::new(chart.clone(), counter, Arc::clone(&now));
    let live = Live::new(chart.clone(), Arc::clone(&now));
    let link = records.base().trim_end_matches("/fhir").to_owned();
    let sending = match &config.events.rules {
        None => None,
        Some(path) => {
            let rules = Rules::read(path, config.events.allow_plaintext);
            let rules = rules.map_err(|error| Failure::Usage(error.to_string()))?;
            let mailer = mailer(config, &rules, &link)?;
            let senders = Senders::new(Sending {
                chart: chart.clone(),
                rules: rules.clone(),
                mailer,
                roads,
                link,
                now: Arc::clone(&now),
            });
            let finder = Finder::new(chart.clone(), rules, senders.waker()).map_err(named)?;
            Some((Following::new(chart, finder, now), senders))
        }
    };
    let events = Events { subscriptions, live, figures, principals };
    Ok(Ready { events, counting, sending })
}

impl Ready {
    /// Follows the feed until the set is dropped.
    pub fn run(self, beside: &mut JoinSet<()>) {
        beside.spawn(follow(self.counting));
        beside.spawn(self.events.live.run());
        beside.spawn(self.events.subscriptions.run());
        if let Some((finding, senders)) = self.sending {
            beside.spawn(follow(finding));
            beside.spawn(senders.run());
        }
    }
}

fn mailer(config: &Config, rules: &Rules, link: &str) -> Result<Option<Mailer>, Failure> {
    let mail = &config.mail;
    let Some(host) = &mail.host else {
        return match rules.needs_mail() {
            true => Err(Failure::Usage("a rule sends mail: set `mail.host`".to_owned())),
            false => Ok(None),
        };
    };
    let settings = MailSettings {
        host: host.clone(),
        port: mail.port.and_then(|port| u16::try_from(port.get()).ok()),
        tls: mail.tls,
        ca: mail.ca.clone(),
        user: mail.user.clone(),
        password_file: mail.password_file.clone(),
        from: mail.from.clone(),
        link: link.to_owned(),
    };
    Mailer::new(&settings).map(Some).map_err(|error| Failure::Usage(error.to_string()))
}

fn named(error: ward_store::ParseConsumerError) -> Failure {
    Failure::Usage(error.to_string())
}

fn handled(error: HandleError) -> Failure {
    match error {
        HandleError::Read(error) => Failure::Read(error),
        HandleError::Commit(error) => Failure::Commit(error),
        other => Failure::Usage(other.to_string()),
    }
}
