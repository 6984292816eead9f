//! The values that everybody asks for, read where they stand.

use std::borrow::Cow;

use super::{Component, Field, Message, Subcomponent};
use crate::{
    time::{Dtm, TimeError, Tm},
    version::Version,
};

impl Message<'_> {
    /// MSH-10.
    pub fn control_id(&self) -> Option<Cow<'_, str>> {
        self.header()?.field(10)?.text()
    }

    /// MSH-9.1: `ADT`.
    pub fn message_code(&self) -> Option<Cow<'_, str>> {
        self.header()?.field(9)?.component(1)?.text()
    }

    /// MSH-9.2: `A01`.
    pub fn trigger_event(&self) -> Option<Cow<'_, str>> {
        self.header()?.field(9)?.component(2)?.text()
    }

    /// MSH-9.3: `ADT_A01`.
    pub fn message_structure(&self) -> Option<Cow<'_, str>> {
        self.header()?.field(9)?.component(3)?.text()
    }

    /// MSH-12.1; `None` where it is absent or not known.
    pub fn version(&self) -> Option<Version> {
        Version::nearest(&self.header()?.field(12)?.text()?)
    }
}

impl Field<'_> {
    /// The first value as a time; `None` where there is none.
    pub fn time(&self) -> Option<Result<Dtm, TimeError>> {
        self.component(1)?.time()
    }
}

impl Component<'_> {
    /// The value as a time; `None` where there is none.
    pub fn time(&self) -> Option<Result<Dtm, TimeError>> {
        self.subcomponent(1)?.time()
    }
}

impl Subcomponent<'_> {
    /// The value as a time; `None` where there is none.
    pub fn time(&self) -> Option<Result<Dtm, TimeError>> {
        self.text().map(|text| text.parse())
    }

    /// The value as a time of day; `None` where there is none.
    pub fn time_of_day(&self) -> Option<Result<Tm, TimeError>> {
        self.text().map(|text| text.parse())
    }

    /// The value as a whole number, as SI and most NM hold; `None` where it is none.
    ///
    /// - Shape: a decimal NM stays text; its digits say how precise it is.
    pub fn whole_number(&self) -> Option<i64> {
        self.text()?.parse().ok()
    }
}

#[cfg(test)]
mod tests {
    use crate::{
        location::SegmentId,
        message::{Message, ReadSettings},
        time::{Precision, TimeError},
        version::Version,
    };

    #[test]
    fn the_usual_values_are_typed() {
        let text = "MSH|^~\\&|||||||ADT^A04^ADT_A01|a\\T\\b|P|2.5.1^USA\rPID|7||||||19700203&x\rOBX|a||||||0830\r";
        let (message, _) = Message::read(text.as_bytes(), &ReadSettings::default());
        let message = message.unwrap();
        assert_eq!(message.control_id().unwrap(), "a&b");
        let kind = [message.message_code(), message.trigger_event(), message.message_structure()];
        assert_eq!(kind.map(|it| it.unwrap().into_owned()), ["ADT", "A04", "ADT_A01"]);
        assert_eq!(message.version(), Some(Version::V2_5_1));
        let pid = message.first(SegmentId::new(b"PID").unwrap()).unwrap();
        let birth = pid.field(7).unwrap().time().unwrap().unwrap();
        assert_eq!((birth.precision(), birth.to_string().as_str()), (Precision::Day, "19700203"));
        assert!(pid.field(6).unwrap().time().is_none());
        let sub = |n: usize| pid.field(n)?.component(1)?.subcomponent(1);
        assert_eq!(sub(1).and_then(|it| it.whole_number()), Some(7));
        let obx = message.first(SegmentId::new(b"OBX").unwrap()).unwrap();
        assert_eq!(obx.field(1).unwrap().time(), Some(Err(TimeError)));
        let sub = obx.field(7).unwrap().component(1).unwrap().subcomponent(1).unwrap();
        assert_eq!(sub.time_of_day().unwrap().unwrap().precision, Precision::Minute);
    }
}
