//! Pages as PDF/A-3B (ISO 19005-3), with the files they were drawn from attached.

use bailee_domain::time::WallTime;
use bailee_wire::event::time_text;
use krilla::color::rgb;
use krilla::configure::{Archival, ConfigurationBuilder};
use krilla::embed::{AssociationKind, EmbeddedFile, MimeType};
use krilla::geom::{Path, PathBuilder, Point, Rect};
use krilla::metadata::{DateTime, Metadata};
use krilla::page::PageSettings;
use krilla::paint::{Fill, Stroke};
use krilla::surface::Surface;
use krilla::text::{Font, TextDirection};
use krilla::{Document, SerializeSettings};

use super::Sources;
use super::page::{HEIGHT, Ink, Mark, WIDTH, placed};
use super::text::Face;
use crate::{RENDERER, time};

pub(super) fn write(pages: Vec<Vec<Mark>>, sources: Sources<'_>) -> Result<Vec<u8>, String> {
    let configuration = ConfigurationBuilder::new().with_archival_validator(Archival::A3_B).finish();
    let configuration = configuration.map_err(|error| format!("{error:?}"))?;
    let mut document =
        Document::new_with(SerializeSettings { configuration, ..SerializeSettings::default() });
    let fonts = Face::ALL.map(|face| Font::new(face.bytes().into(), 0));
    let at = time::parse(&sources.statement.exported.at).unwrap_or_default();
    document.set_metadata(metadata(&sources, at));
    for marks in pages {
        let size = PageSettings::from_wh(WIDTH, HEIGHT).ok_or("the page has no size")?;
        let mut page = document.start_page_with(size);
        let mut surface = page.surface();
        for mark in &marks {
            draw(&mut surface, &fonts, mark);
        }
        surface.finish();
        page.finish();
    }
    for (name, bytes) in sources.attached {
        let file = attachment(name, bytes, at);
        document.embed_file(file).ok_or_else(|| format!("{name} is attached twice"))?;
    }
    document.finish().map_err(|error| format!("{error:?}"))
}

fn metadata(sources: &Sources<'_>, at: WallTime) -> Metadata {
    let statement = sources.statement;
    Metadata::new()
        .title(format!("Evidence from the custody log {}", statement.log.origin))
        .description(format!("{}; {} entries", statement.request.subject, statement.entries.all))
        .creator(RENDERER.to_owned())
        .language("en".to_owned())
        .document_id(format!(
            "{} {} {}",
            statement.log.root,
            statement.exported.entry,
            statement.left_out.len()
        ))
        .creation_date(date(at))
}

fn date(at: WallTime) -> DateTime {
    let text = time_text(at);
    let number = |from: usize, to: usize| text.get(from..to).and_then(|part| part.parse().ok()).unwrap_or(1);
    let small = |from, to| u8::try_from(number(from, to)).unwrap_or(1);
    DateTime::new(number(0, 4))
        .month(small(5, 7))
        .day(small(8, 10))
        .hour(small(11, 13))
        .minute(small(14, 16))
        .second(small(17, 19))
        .utc_offset_hour(0)
        .utc_offset_minute(0)
}

fn attachment(path: &str, bytes: Vec<u8>, at: WallTime) -> EmbeddedFile {
    let mime = match path.rsplit('.').next() {
        Some("json") => "application/json",
        Some("jsonl") => "application/jsonl",
        Some("jsonld") => "application/ld+json",
        Some("csv") => "text/csv",
        _ => "text/plain",
    };
    let name = path.rsplit('/').next().unwrap_or(path);
    EmbeddedFile {
        path: name.to_owned(),
        mime_type: MimeType::new(mime),
        description: Some(format!("{path} of the evidence bundle")),
        association_kind: AssociationKind::Data,
        data: bytes.into(),
        modification_date: Some(date(at)),
        compress: Some(true),
        location: None,
    }
}

fn paint(ink: Ink) -> rgb::Color {
    let (red, green, blue) = ink.rgb();
    rgb::Color::new(red, green, blue)
}

fn filled(ink: Ink) -> Option<Fill> {
    Some(Fill { paint: paint(ink).into(), ..Fill::default() })
}

fn stroked(ink: Ink, width: f32) -> Option<Stroke> {
    Some(Stroke { paint: paint(ink).into(), width, ..Stroke::default() })
}

fn draw(surface: &mut Surface<'_>, fonts: &[Option<Font>; 4], mark: &Mark) {
    match mark {
        Mark::Text { x, y, size, face, ink, text } => {
            surface.set_stroke(None);
            surface.set_fill(filled(*ink));
            for (x, run) in placed(*x, *size, *face, text) {
                let Some(font) = &fonts[run.face as usize] else { continue };
                let at = Point::from_xy(x, *y);
                surface.draw_text(at, font.clone(), *size, &run.text, false, TextDirection::Auto);
            }
        }
        Mark::Box { x, y, width, height, fill, stroke } => {
            let path = Rect::from_xywh(*x, *y, *width, *height).and_then(|rect| {
                let mut builder = PathBuilder::new();
                builder.push_rect(rect);
                builder.finish()
            });
            shape(surface, path, fill.and_then(filled), stroke.and_then(|ink| stroked(ink, 0.6)));
        }
        Mark::Line { from, to, ink, width } => {
            let mut builder = PathBuilder::new();
            builder.move_to(from.0, from.1);
            builder.line_to(to.0, to.1);
            shape(surface, builder.finish(), None, stroked(*ink, *width));
        }
        Mark::Shape { points, fill } => {
            let mut builder = PathBuilder::new();
            for ((x, y), number) in points.iter().zip(0..) {
                if number == 0 { builder.move_to(*x, *y) } else { builder.line_to(*x, *y) }
            }
            builder.close();
            shape(surface, builder.finish(), filled(*fill), None);
        }
    }
}

fn shape(surface: &mut Surface<'_>, path: Option<Path>, fill: Option<Fill>, stroke: Option<Stroke>) {
    let Some(path) = path else { return };
    surface.set_fill(fill);
    surface.set_stroke(stroke);
    surface.draw_path(&path);
}
