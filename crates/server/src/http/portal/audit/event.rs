//! `/audit/{id}`: one event with its proof, as a page of its own or, for the module beside the list, the drawer alone.

use axum::Extension;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, header};
use axum::response::IntoResponse as _;
use bailee_audit::hash::{Hash, node_hash};
use bailee_wire::event::hex;

use super::{people_of, seal, show_row};
use crate::app::Principal;
use crate::app::log::{self, Entry, Head, ListLog, LogFilter, LogRow, Proven};
use crate::http::Http;
use crate::http::portal::banks;
use crate::http::portal::gate::{Who, query};
use crate::http::portal::shell::{Answer, shell, show};
use crate::http::portal::views::Section;
use crate::http::portal::views::audit::{About, Drawer, EntryView, Event, ProvenView, Rung, WitnessView};
use crate::http::portal::words::{self, Names};
use crate::http::problem::Problem;

/// `/audit/{id}`
pub async fn event(
    State(http): State<Http>,
    Extension(who): Extension<Who>,
    headers: HeaderMap,
    Path(id): Path<i64>,
) -> Answer {
    let entry = view(&http, &who, id).await?;
    if headers.contains_key("x-fragment") {
        return Ok(show(&Drawer { page: who.page(), entry: EntryView { level: 3, ..entry } }));
    }
    let (shell, seal) = (shell(&http, &who, Section::Audit).await?, seal(&http).await?);
    Ok(show(&Event { page: who.page(), shell, seal, entry }))
}

async fn view(http: &Http, who: &Who, id: i64) -> Result<EntryView, Problem> {
    let (principal, page) = (&who.session()?.principal, who.page());
    let entry = log::entry(http.app(), principal, id).await?;
    let row = one(http, principal, id).await?;
    let names = banks::names(&banks::visible(http, principal).await?);
    let people = row.line.person.into_iter().collect();
    let names = people_of(http, principal, std::slice::from_ref(&row), people, names).await?;
    let head = log::head(http.app()).await?;
    let own_key = http.options().log_key.trim().to_owned();
    let witnesses = head.iter().flat_map(|head| head.witnesses.iter().map(|witness| witness.vkey.clone()));
    Ok(EntryView {
        level: 2,
        event: show_row(&page, &names, &row),
        about: about(&names, &row),
        keys: std::iter::once(own_key).chain(witnesses).collect::<Vec<_>>().join("\n"),
        proof: format!("/audit/{id}/proof"),
        leaf_hash: hex(&entry.leaf_hash.0),
        leaf_bytes: hex(&entry.leaf),
        proven: entry.proven.as_ref().map(|proven| shown(http, &names, head.as_ref(), &entry, proven)),
        fields: entry.view.into_iter().map(|field| (field.name, field.value)).collect(),
        command: format!("bailee verify ledger {}/log/{}", http.options().public_url, http.app().log_id()),
    })
}

async fn one(http: &Http, principal: &Principal, id: i64) -> Result<LogRow, Problem> {
    let which = ListLog { filter: LogFilter::default(), before: Some(id.saturating_add(1)), limit: 1 };
    let row = log::list(http.app(), principal, which).await?.rows.into_iter().next();
    row.filter(|row| row.id == id).ok_or_else(Problem::not_found)
}

/// Lists of what else there is about the same bank, door, parcel and person.
fn about(names: &Names, row: &LogRow) -> Vec<About> {
    let line = &row.line;
    let bank = line.bank.map(|bank| (names.bank(bank), query("bank", &bank.to_string())));
    let door = line.bank.zip(line.compartment).map(|(bank, door)| {
        let both = [query("bank", &bank.to_string()), query("compartment", &door.0.to_string())];
        (names.place(Some(bank), Some(door)), both.join("&"))
    });
    let parcel = line.parcel.map(|id| (id.to_string(), query("parcel", &id.to_string())));
    let person = line.person.map(|id| (names.person(id), query("person", &id.to_string())));
    let link = |(label, query): (String, String)| About { label, href: format!("/audit?{query}") };
    [bank, door, parcel, person].into_iter().flatten().map(link).collect()
}

fn shown(http: &Http, names: &Names, head: Option<&Head>, entry: &Entry, proven: &Proven) -> ProvenView {
    // Cosignatures are those of exactly the tree the path leads to; a newer one has others.
    let head = head.filter(|head| super::signed(&head.checkpoint) == super::signed(&proven.checkpoint));
    let seen = http.checkpoint_since(&super::signed(&proven.checkpoint));
    let rungs = rungs(entry.leaf_hash, proven);
    let root_hash = root(&proven.checkpoint);
    let reached = rungs.last().map_or_else(|| hex(&entry.leaf_hash.0), |rung| rung.node.clone());
    let witness = |witness: &log::Vouching| {
        let at = witness.cosigned?;
        let name = witness.bank.map_or_else(|| witness.name.clone(), |bank| names.bank(bank));
        let age = words::age(http.app().now().since_ms(at));
        Some(WitnessView { name, at: words::time(at), age })
    };
    ProvenView {
        index: proven.index,
        size: proven.size,
        reaches: reached == root_hash,
        root_hash,
        rungs,
        checkpoint: head.map_or_else(|| proven.checkpoint.clone(), |head| head.checkpoint.clone()),
        signed_at: words::time(seen),
        age: words::age(http.app().now().since_ms(seen)),
        witnesses: head.iter().flat_map(|head| head.witnesses.iter().filter_map(witness)).collect(),
        all: head.map_or(0, |head| head.witnesses.len()),
    }
}

/// The path with the side each sibling stands on and the node above (RFC 9162 §2.1.3.2).
fn rungs(leaf: Hash, proven: &Proven) -> Vec<Rung> {
    let (mut index, mut last) = (proven.index, proven.size.saturating_sub(1));
    let (mut level, mut node) = (0, leaf);
    let mut rungs = Vec::new();
    for hash in &proven.path {
        // Without a right sibling the node is carried up unchanged until it has one to its left.
        while index == last && index % 2 == 0 && last > 0 {
            (index, last, level) = (index / 2, last / 2, level + 1);
        }
        let left = index % 2 == 1;
        node = if left { node_hash(hash, &node) } else { node_hash(&node, hash) };
        rungs.push(Rung { level, hash: hex(&hash.0), left, node: hex(&node.0) });
        (index, last, level) = (index / 2, last / 2, level + 1);
    }
    rungs
}

/// The root a checkpoint signs, in hexadecimal.
fn root(checkpoint: &str) -> String {
    use base64::Engine as _;
    let line = checkpoint.lines().nth(2).unwrap_or_default();
    base64::engine::general_purpose::STANDARD.decode(line).map(|root| hex(&root)).unwrap_or_default()
}

/// `/audit/{id}/proof`: the entry and its proof as a file.
pub async fn proof(State(http): State<Http>, Extension(who): Extension<Who>, Path(id): Path<i64>) -> Answer {
    let proof = log::proof_file(http.app(), &who.session()?.principal, id).await?;
    let proof = proof.ok_or_else(Problem::not_found)?;
    let named = format!("attachment; filename=\"entry-{id}.tlog-proof\"");
    let kind = (header::CONTENT_TYPE, "text/plain; charset=utf-8".to_owned());
    Ok(([kind, (header::CONTENT_DISPOSITION, named)], proof).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sides(index: u64, size: u64, steps: usize) -> String {
        let path = vec![Hash([0; 32]); steps];
        let proven = Proven { index, size, path, checkpoint: String::new() };
        rungs(Hash([0; 32]), &proven)
            .iter()
            .map(|rung| if rung.left { format!("L{}", rung.level) } else { format!("R{}", rung.level) })
            .collect()
    }

    #[test]
    fn siblings_stand_where_the_tree_has_them() {
        assert_eq!(sides(0, 1, 0), "");
        assert_eq!(sides(0, 2, 1), "R0");
        assert_eq!(sides(3, 4, 2), "L0L1");
        assert_eq!(sides(2, 3, 1), "L1");
        assert_eq!(sides(6, 7, 2), "L1L2");
        assert_eq!(sides(4, 7, 3), "R0R1L2");
    }
}
