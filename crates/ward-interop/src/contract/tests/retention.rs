//! Messages leave when their time is over, while others come.

use std::sync::Arc;

use super::rig::*;

fn update(id: &str) -> String {
    format!(
        "MSH|^~\\&|REG|HOSP|WARD|HOSP|20260101080000||ADT^A08^ADT_A01|{id}|P|2.5.1\n\
         EVN||20260101080000\n\
         PID|1||4711^^^HOSP^MR||Meyer^Anna||19700102|F\n\
         PV1|1|I|W1^101^A||||||||||||||||V100^^^HOSP^VN"
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_over_goes_while_messages_come() {
    let rig = Arc::new(Rig::new());
    for n in 0..200 {
        assert_eq!(rig.ack(&update(&format!("OLD{n}"))).await.code, "AA");
    }
    let (day, now) = (24 * 3600, 30 * 24 * 3600);
    rig.set_clock(now);
    let sender = {
        let rig = Arc::clone(&rig);
        tokio::spawn(async move {
            for n in 0..200 {
                assert_eq!(rig.ack(&update(&format!("NEW{n}"))).await.code, "AA");
            }
        })
    };
    let mut n_gone = 0;
    while n_gone < 200 {
        n_gone += rig.chart.prune_messages(&cx(), at(now - day), 20).await.unwrap();
        tokio::task::yield_now().await;
    }
    sender.await.unwrap();
    assert_eq!(rig.chart.prune_messages(&cx(), at(now - day), 20).await.unwrap(), 0);
    let kept = rig.messages().await;
    assert_eq!(kept.len(), 200);
    assert!(kept.iter().all(|it| it.head.control_id.reveal().starts_with("NEW")));
    // What the messages brought is not theirs to take along.
    assert_eq!(rig.search("Patient", "").await.len(), 1);
}
