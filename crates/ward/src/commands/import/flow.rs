//! From pieces to the chart: several at a time, with the outcome of one after the other.

use std::{collections::HashSet, num::NonZeroU32, sync::Arc};

use tokio::{
    sync::{OwnedSemaphorePermit, mpsc},
    task::JoinSet,
};
use ward_core::{RecordKey, ResourceType};

use super::{
    cut::Queued,
    piece::{Item, Load, Piece, mark_of, transaction_of},
    target::{Loaded, Target},
};
use crate::Failure;

/// What became of a piece or a part of it.
pub(super) struct Done {
    pub(super) file: usize,
    pub(super) line: usize,
    pub(super) kinds: Vec<ResourceType>,
    pub(super) loaded: Loaded,
}

/// Tells what happened, in no particular order.
pub(super) trait Listener {
    fn done(&mut self, done: Done);
    /// `bytes` of file number `file` have been read and dealt with.
    fn read(&mut self, file: usize, bytes: u64);
}

pub(super) struct Flow<'a, L> {
    target: Arc<Target>,
    listener: &'a mut L,
    under_way: JoinSet<Result<Tried, Failure>>,
    keys: HashSet<RecordKey>,
    rank: usize,
    under_way_max: usize,
}

/// A piece that was sent as one transaction.
struct Tried {
    piece: Piece,
    loaded: Loaded,
    _room: OwnedSemaphorePermit,
}

impl<'a, L: Listener> Flow<'a, L> {
    pub(super) fn new(
        target: Arc<Target>,
        listener: &'a mut L,
        under_way_max: NonZeroU32,
    ) -> Flow<'a, L> {
        Flow {
            target,
            listener,
            under_way: JoinSet::new(),
            keys: HashSet::new(),
            rank: 0,
            under_way_max: usize::try_from(under_way_max.get()).unwrap_or(usize::MAX),
        }
    }

    /// Loads everything that comes.
    ///
    /// - Errors: the first failure that is no refusal; what was loaded until then stays loaded.
    pub(super) async fn run(mut self, mut pieces: mpsc::Receiver<Queued>) -> Result<(), Failure> {
        while let Some((piece, room)) = pieces.recv().await {
            if let Err(why) = &piece.load {
                let (why, kinds) = (why.clone(), Vec::new());
                self.listener.read(piece.file, piece.bytes);
                let loaded = Loaded::Refused(why);
                self.listener.done(Done { file: piece.file, line: piece.line, kinds, loaded });
                continue;
            }
            let keys = keys_of(&piece);
            let overtakes = piece.rank != self.rank
                || is_ordered(&piece)
                || keys.iter().any(|key| self.keys.contains(key));
            if overtakes {
                self.drain().await?;
            }
            while self.under_way_max <= self.under_way.len() {
                self.join().await?;
            }
            self.rank = piece.rank;
            self.keys.extend(keys);
            let is_alone = is_ordered(&piece);
            let target = Arc::clone(&self.target);
            self.under_way.spawn(async move {
                let (transaction, mark) = sent_of(&piece);
                let loaded = target.load(transaction, &mark).await?;
                Ok(Tried { piece, loaded, _room: room })
            });
            if is_alone {
                self.drain().await?;
            }
        }
        self.drain().await
    }

    async fn drain(&mut self) -> Result<(), Failure> {
        while !self.under_way.is_empty() {
            self.join().await?;
        }
        self.keys.clear();
        Ok(())
    }

    async fn join(&mut self) -> Result<(), Failure> {
        let Some(tried) = self.under_way.join_next().await else { return Ok(()) };
        let tried = tried.map_err(|_| Failure::Refused("a transaction broke off".to_owned()))??;
        self.settle(tried).await
    }

    /// A transaction that was refused beside others is tried again when those are done: it may
    /// have needed one of them.
    async fn settle(&mut self, tried: Tried) -> Result<(), Failure> {
        let mut refused = Vec::new();
        self.note(tried, &mut refused);
        if refused.is_empty() {
            return Ok(());
        }
        while let Some(tried) = self.under_way.join_next().await {
            let tried =
                tried.map_err(|_| Failure::Refused("a transaction broke off".to_owned()))??;
            self.note(tried, &mut refused);
        }
        self.keys.clear();
        refused.sort_by_key(|tried: &Tried| (tried.piece.file, tried.piece.line));
        for tried in refused {
            self.again(&tried.piece).await?;
        }
        Ok(())
    }

    fn note(&mut self, tried: Tried, refused: &mut Vec<Tried>) {
        let Tried { piece, loaded, .. } = &tried;
        if matches!(loaded, Loaded::Refused(_)) {
            refused.push(tried);
            return;
        }
        self.listener.read(piece.file, piece.bytes);
        let (file, line, kinds) = (piece.file, piece.line, kinds_of(piece));
        self.listener.done(Done { file, line, kinds, loaded: tried.loaded });
    }

    /// Loads a piece with nothing beside it, by ever smaller parts, so that what is refused is
    /// refused alone.
    async fn again(&mut self, piece: &Piece) -> Result<(), Failure> {
        match &piece.load {
            Err(_) => {}
            Ok(Load::Whole(_)) => {
                let (transaction, mark) = sent_of(piece);
                let loaded = self.target.load(transaction, &mark).await?;
                let (file, line, kinds) = (piece.file, piece.line, kinds_of(piece));
                self.listener.done(Done { file, line, kinds, loaded });
            }
            Ok(Load::Each(items)) => {
                let mut parts = vec![items.as_slice()];
                while let Some(part) = parts.pop() {
                    let (transaction, line) = transaction_of_part(part);
                    let mark = mark_of(&transaction, line, piece.copy);
                    let loaded = self.target.load(transaction, &mark).await?;
                    if let (Loaded::Refused(_), 2..) = (&loaded, part.len()) {
                        let (first, second) = part.split_at(part.len() / 2);
                        parts.extend([second, first]);
                        continue;
                    }
                    let kinds = part.iter().filter_map(|item| item.kind).collect();
                    self.listener.done(Done { file: piece.file, line, kinds, loaded });
                }
            }
        }
        self.listener.read(piece.file, piece.bytes);
        Ok(())
    }
}

/// The transaction of a piece and its mark.
fn sent_of(piece: &Piece) -> (Vec<u8>, String) {
    let (transaction, line) = match &piece.load {
        Err(_) => (Vec::new(), piece.line),
        Ok(Load::Whole(whole)) => (whole.text.clone(), piece.line),
        Ok(Load::Each(items)) => transaction_of_part(items),
    };
    let mark = mark_of(&transaction, line, piece.copy);
    (transaction, mark)
}

fn transaction_of_part(items: &[Item]) -> (Vec<u8>, usize) {
    let line = items.first().map_or(1, |item| item.line);
    (transaction_of(items.iter().map(|item| item.entry.as_slice())), line)
}

fn keys_of(piece: &Piece) -> Vec<RecordKey> {
    match &piece.load {
        Err(_) => Vec::new(),
        Ok(Load::Whole(whole)) => whole.keys.clone(),
        Ok(Load::Each(items)) => items.iter().filter_map(|item| item.key.clone()).collect(),
    }
}

fn is_ordered(piece: &Piece) -> bool {
    matches!(&piece.load, Ok(Load::Whole(whole)) if whole.is_ordered)
}

fn kinds_of(piece: &Piece) -> Vec<ResourceType> {
    match &piece.load {
        Err(_) => Vec::new(),
        Ok(Load::Whole(whole)) => whole.kinds.clone(),
        Ok(Load::Each(items)) => items.iter().filter_map(|item| item.kind).collect(),
    }
}
