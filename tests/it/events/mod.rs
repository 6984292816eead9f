//! What follows the event feed, from outside: subscriptions, notifications, screens, figures.

mod figures;
mod notifications;
mod rig;
mod screens;
mod sockets;
mod subscriptions;
