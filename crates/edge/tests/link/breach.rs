//! What the platform does not take from a bank.

use bailee_domain::bank::io::Request;
use bailee_domain::id::{BankId, CommandId, GrantId};
use bailee_domain::time::{MonoTime, WallTime};
use bailee_edge::uplink::EventSource;
use bailee_wire::event::{self, EventError, Leaf, chain_hash};
use bailee_wire::link::{Events, FromBank};

use crate::gateway::io::{Input, NotQueued, Output};
use crate::gateway::session::{MAX_COMMANDS, Session};
use crate::gateway::{Breach, Command, Moment, Position};
use crate::journal::{BANK, Journal, device};

const NOW: Moment = Moment { mono: MonoTime::from_ms(0), wall: WallTime::from_unix_ms(1_800_000_000_000) };

fn journal(events: u64) -> Journal {
    let mut journal = Journal::new();
    for _ in 0..events {
        journal.alarm();
    }
    journal
}

/// A greeted session that holds the first `stored` events of the journal.
fn session(journal: &mut Journal, stored: u64) -> Session {
    let mut session = Session::new(NOW.mono, BANK, device().public().0);
    let head =
        journal.leaves[..usize::try_from(stored).unwrap()].last().map_or([0; 32], |leaf| chain_hash(leaf));
    session.handle(NOW, Input::Connected(Position { seq: stored, head }));
    say(&mut session, &FromBank::Hello(Box::new(journal.hello())));
    session
}

fn say(session: &mut Session, message: &FromBank) -> Vec<Output> {
    session.handle(NOW, Input::Frame(message.encode()));
    std::iter::from_fn(|| session.poll_output()).collect()
}

fn batch(journal: &mut Journal, first: u64) -> Events {
    let events = journal.events_from(first, 1 << 20).into_iter().map(|(_, leaf)| leaf).collect();
    let last = journal.head();
    let head = chain_hash(&journal.leaves[usize::try_from(last - 1).unwrap()]);
    Events { first, events, head_signature: Some(journal.sign_head(last, &head)) }
}

fn upload(session: &mut Session, events: Events) -> Result<(), Breach> {
    let outputs = say(session, &FromBank::Events(events));
    match outputs.into_iter().find(|o| matches!(o, Output::ChainBroken(_) | Output::Store(_))) {
        Some(Output::ChainBroken(breach)) => Err(breach),
        Some(_) => Ok(()),
        None => panic!("neither taken nor refused"),
    }
}

fn changed(leaf: &[u8], change: impl FnOnce(&mut BankId, &mut u64)) -> Vec<u8> {
    let Ok(Leaf::Bank { mut bank, prev, mut event }) = event::decode(leaf) else { panic!("a bank's event") };
    change(&mut bank, &mut event.seq);
    event.at = event.at.plus_ms(1);
    event::encode_bank(bank, &prev, &event)
}

#[test]
fn a_sound_batch_is_taken_whole() {
    let mut journal = journal(5);
    let mut session = session(&mut journal, 2);
    assert_eq!(upload(&mut session, batch(&mut journal, 3)), Ok(()));
}

#[test]
fn every_breach_is_named() {
    type Harm<'a> = &'a dyn Fn(&mut Events);
    let other = |bank: &mut BankId, _: &mut u64| *bank = BankId::from_bytes([1; 16]);
    let cases: [(u64, Harm<'_>, Breach); 7] = [
        (2, &|_| {}, Breach::Gap { expected: 2, found: 3 }),
        (3, &|e| e.events[0] = changed(&e.events[0], |_, _| {}), Breach::ChangedRepeat { seq: 3 }),
        (2, &|e| e.events.swap(0, 1), Breach::OtherBank { seq: 3 }),
        (2, &|e| e.events[0] = changed(&e.events[0], other), Breach::OtherBank { seq: 3 }),
        (2, &|e| e.events[0] = vec![0xff], Breach::Unreadable { seq: 3, error: EventError::Malformed }),
        (2, &|e| e.events[0] = changed(&e.events[0], |_, _| {}), Breach::Fork { seq: 4 }),
        (2, &|e| e.head_signature = Some([1; 64]), Breach::HeadSignature { seq: 5 }),
    ];
    for (n, (stored, change, breach)) in cases.into_iter().enumerate() {
        let mut journal = journal(5);
        // The first case leaves event 2 out.
        let mut session = session(&mut journal, if n == 0 { 1 } else { stored });
        let mut events = batch(&mut journal, 3);
        change(&mut events);
        assert_eq!(upload(&mut session, events), Err(breach));
    }
}

#[test]
fn a_repeat_too_old_to_compare_is_refused() {
    let mut journal = journal(5);
    let mut session = session(&mut journal, 4);
    assert_eq!(upload(&mut session, batch(&mut journal, 3)), Err(Breach::OldRepeat { seq: 3 }));
}

#[test]
fn an_alarm_must_be_what_it_was_when_it_went_ahead() {
    let mut journal = journal(5);
    let mut session = session(&mut journal, 2);
    let ahead = changed(&journal.leaves[4], |_, _| {});
    let outputs = say(&mut session, &FromBank::Alarm { seq: 5, event: ahead });
    assert!(matches!(outputs[..], [Output::AlarmPreview { .. }]));
    assert_eq!(upload(&mut session, batch(&mut journal, 3)), Err(Breach::PreviewDiffers { seq: 5 }));
}

#[test]
fn what_is_no_alarm_may_not_overtake() {
    let mut journal = Journal::new();
    journal.routine();
    let mut session = session(&mut journal, 0);
    let outputs = say(&mut session, &FromBank::Alarm { seq: 1, event: journal.leaves[0].clone() });
    assert!(matches!(outputs[..], [Output::Send(_), Output::Close("only an alarm may overtake")]));
}

#[test]
fn more_than_a_window_without_acknowledgement_is_refused() {
    let mut journal = journal(300);
    let mut session = session(&mut journal, 0);
    let all = batch(&mut journal, 1).events;
    let part = |first: usize, last: usize| Events {
        first: first as u64,
        events: all[first - 1..last].to_vec(),
        head_signature: None,
    };
    assert_eq!(upload(&mut session, part(1, 200)), Ok(()));
    let outputs = say(&mut session, &FromBank::Events(part(201, 300)));
    assert!(matches!(outputs[..], [Output::Send(_), Output::Close("more events than the window allows")]));
}

#[test]
fn another_banks_greeting_is_refused() {
    let mut journal = journal(1);
    let mut session = Session::new(NOW.mono, BankId::from_bytes([1; 16]), device().public().0);
    session.handle(NOW, Input::Connected(Position::START));
    let outputs = say(&mut session, &FromBank::Hello(Box::new(journal.hello())));
    assert!(matches!(outputs[..], [Output::Send(_), Output::Close("the key belongs to another bank")]));
}

#[test]
fn commands_are_bounded_and_the_same_id_is_the_same_command() {
    let mut session = Session::new(NOW.mono, BANK, device().public().0);
    let command = |n: usize| Command {
        id: CommandId::from_bytes([u8::try_from(n).unwrap(); 16]),
        deadline: NOW.wall.plus_ms(1_000),
        request: Request::Revoke { grant: GrantId::from_bytes([0; 16]) },
    };
    for n in 0..MAX_COMMANDS {
        assert_eq!(session.enqueue(NOW, command(n)), Ok(()));
        assert_eq!(session.enqueue(NOW, command(0)), Ok(()));
    }
    assert_eq!(session.enqueue(NOW, command(MAX_COMMANDS)), Err(NotQueued::Full));
}
