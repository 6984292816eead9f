//! A kept message worked on again, or only looked at: what would it change?

use ward_core::{AuditOutcome, Ctx, RecordKey};
use ward_fhir::Json;
use ward_hl7::{Location, Message, Problem, ProblemKind, Severity, ack::Verdict};
use ward_store::{CommitError, KeptMessage};

use super::{
    Interface, Note, Receiver, apply::Trouble, compose, note::Told, receive::time_of,
    scripted::ForChart,
};

/// What a message would do to the chart as it is now.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Preview {
    pub problems: Vec<Told>,
    pub changes: Vec<Change>,
}

/// One record that would change.
#[derive(Clone, PartialEq, Debug)]
pub struct Change {
    pub record: RecordKey,
    pub is_new: bool,
    /// The elements that differ, with what they say now and would say.
    pub elements: Vec<(String, Option<Json<'static>>, Option<Json<'static>>)>,
}

impl Receiver {
    /// What `message` would change if it were worked on now. Nothing is written.
    ///
    /// - Errors: the chart cannot be read.
    /// - Audit: `import` of the preview, with every patient looked at.
    pub async fn preview(
        &self,
        cx: &Ctx,
        interface: &Interface,
        message: &KeptMessage,
    ) -> Result<Preview, CommitError> {
        let settings = interface.reading(&Note::read(message.head.detail.reveal()));
        let (read, problems) = Message::read(message.raw.reveal(), &settings);
        let mut preview = Preview::default();
        preview.problems.extend(problems.iter().map(Told::of));
        let Some(read) = read else { return Ok(preview) };
        let read = match self.for_chart(interface, read).await {
            ForChart::Goes(read) => read,
            ForChart::Dropped(_) => return Ok(preview),
            ForChart::Failed(_) => {
                let (kind, at) = (ProblemKind::ScriptFailed, Location::MESSAGE);
                preview.problems.push(Told::of(&Problem::new(Severity::Error, kind, at)));
                return Ok(preview);
            }
        };
        let converted = self.inner.converter.to_fhir(&read, cx.now);
        preview.problems.extend(converted.problems.iter().map(Told::of));
        if Verdict::of(&converted.problems) != Verdict::Accept {
            return Ok(preview);
        }
        let act = ward_store::Interaction::new(ward_core::AuditAction::Import)
            .with_detail(format!("hl7 preview of message {}", message.head.id.0));
        let reader = self.inner.chart.reader(cx, act);
        let composed = compose::compose(
            self,
            &reader,
            cx,
            &converted,
            time_of(&read, self.inner.converter.zone()),
        );
        match composed {
            Ok(composed) => {
                for write in &composed.writes {
                    let before = reader.get(&write.key).ok().flatten().filter(|it| !it.deleted);
                    let before = before.as_ref().and_then(|it| Json::parse(&it.body).ok());
                    let after = Json::parse(&write.body).ok();
                    let elements = differences(before.as_ref(), after.as_ref());
                    preview.changes.push(Change {
                        record: write.key.clone(),
                        is_new: before.is_none(),
                        elements,
                    });
                }
            }
            Err(Trouble::Content(problems)) => {
                preview.problems.extend(problems.iter().map(Told::of));
            }
            Err(Trouble::Chart(error)) => return Err(error),
        }
        reader.finish(AuditOutcome::Success).await?;
        Ok(preview)
    }
}

/// Elements that differ, but for what the chart itself writes.
fn differences(
    before: Option<&Json<'_>>,
    after: Option<&Json<'_>>,
) -> Vec<(String, Option<Json<'static>>, Option<Json<'static>>)> {
    let member = |json: Option<&Json<'_>>, name: &str| {
        json.and_then(|json| json.get(name)).map(|value| value.clone().into_owned())
    };
    let mut names: Vec<String> = Vec::new();
    for json in [before, after].into_iter().flatten() {
        let object = json.as_object().into_iter().flat_map(|object| object.iter());
        for (name, _) in object {
            if !matches!(name, "id" | "meta" | "resourceType") && names.iter().all(|it| it != name)
            {
                names.push(name.to_owned());
            }
        }
    }
    names
        .into_iter()
        .map(|name| {
            let (old, new) = (member(before, &name), member(after, &name));
            (name, old, new)
        })
        .filter(|(_, old, new)| match (old, new) {
            (Some(old), Some(new)) => !old.same_content(new),
            _ => true,
        })
        .collect()
}
