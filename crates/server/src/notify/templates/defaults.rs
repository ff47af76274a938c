//! The texts as delivered. Short, without names, units or doors; a code stands alone in its line.

use super::{Language, TemplateKey, TemplateText};

/// The text to use until an operator writes another; English where there is none in `language`.
pub fn default_text(key: TemplateKey, language: Language) -> TemplateText {
    let (subject, text, html, sms) = match (key, language) {
        (TemplateKey::ParcelReady, Language::Ar) => {
            (READY_AR_SUBJECT, READY_AR_TEXT, Some(READY_AR_HTML), Some(READY_AR_SMS))
        }
        (TemplateKey::ParcelReady, _) => (READY_SUBJECT, READY_TEXT, Some(READY_HTML), Some(READY_SMS)),
        (TemplateKey::ParcelReminder, _) => (REMINDER_SUBJECT, REMINDER_TEXT, None, Some(REMINDER_SMS)),
        (TemplateKey::Alarm, _) => (ALARM_SUBJECT, ALARM_TEXT, None, Some(ALARM_SMS)),
        (TemplateKey::CourierCode, _) => (COURIER_SUBJECT, COURIER_TEXT, None, Some(COURIER_SMS)),
        (TemplateKey::BadgeCode, Language::Ar) => (BADGE_AR_SUBJECT, BADGE_AR_TEXT, None, Some(BADGE_AR_SMS)),
        (TemplateKey::BadgeCode, _) => (BADGE_SUBJECT, BADGE_TEXT, None, Some(BADGE_SMS)),
        (TemplateKey::WorkCode, _) => (WORK_SUBJECT, WORK_TEXT, None, Some(WORK_SMS)),
        (TemplateKey::Receipt, Language::Ar) => {
            (RECEIPT_AR_SUBJECT, RECEIPT_AR_TEXT, None, Some(RECEIPT_AR_SMS))
        }
        (TemplateKey::Receipt, _) => (RECEIPT_SUBJECT, RECEIPT_TEXT, None, Some(RECEIPT_SMS)),
    };
    TemplateText {
        subject: subject.to_owned(),
        text: text.to_owned(),
        html: html.map(ToOwned::to_owned),
        sms: sms.map(ToOwned::to_owned),
    }
}

const READY_SUBJECT: &str = "Your parcel is at {{ bank }}, {{ site }}";
const READY_TEXT: &str = "A parcel is waiting for you at {{ bank }}, {{ site }}.

Your code:

    {{ code }}

Type it at the screen of the lockers. It works once, until {{ expires }}.
{% if link %}
More: {{ link }}
{% endif %}
Keep the code to yourself: whoever has it can open the door.";
const READY_HTML: &str = r#"<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"></head>
<body style="margin:0;padding:24px;font:16px/1.5 sans-serif;color:#111;background:#fff">
<p>A parcel is waiting for you at <strong>{{ bank }}</strong>, {{ site }}.</p>
<p style="margin:24px 0;font-size:32px;font-weight:bold;letter-spacing:2px" dir="ltr">{{ code }}</p>
{% if qr %}<p><img src="{{ qr }}" alt="QR code, the same as the digits above" width="280" height="280" style="background:#fff"></p>
<p>Type the digits at the screen of the lockers, or hold the QR code to its camera.
{% else %}<p>Type the digits at the screen of the lockers.
{% endif %}It works once, until {{ expires }}.</p>
{% if link %}<p><a href="{{ link }}">More about this parcel</a></p>{% endif %}
<p style="color:#555">Keep the code to yourself: whoever has it can open the door.</p>
</body>
</html>"#;
const READY_SMS: &str = "Parcel at {{ bank }}, {{ site }}. Code {{ code }}, works once, until {{ expires }}.";

const READY_AR_SUBJECT: &str = "طردك في {{ bank }}، {{ site }}";
const READY_AR_TEXT: &str = "هناك طرد بانتظارك في {{ bank }}، {{ site }}.

رمزك:

    {{ code }}

أدخله على شاشة الخزائن. يعمل مرة واحدة، حتى {{ expires }}.
{% if link %}
المزيد: {{ link }}
{% endif %}
احتفظ بالرمز لنفسك: من يملكه يستطيع فتح الباب.";
const READY_AR_HTML: &str = r#"<!doctype html>
<html lang="ar" dir="rtl">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"></head>
<body style="margin:0;padding:24px;font:16px/1.6 sans-serif;color:#111;background:#fff">
<p>هناك طرد بانتظارك في <strong>{{ bank }}</strong>، {{ site }}.</p>
<p style="margin:24px 0;font-size:32px;font-weight:bold;letter-spacing:2px;text-align:right" dir="ltr">{{ code }}</p>
{% if qr %}<p><img src="{{ qr }}" alt="رمز QR، وهو نفس الأرقام أعلاه" width="280" height="280" style="background:#fff"></p>
<p>أدخل الأرقام على شاشة الخزائن، أو أظهر رمز QR لكاميرتها.
{% else %}<p>أدخل الأرقام على شاشة الخزائن.
{% endif %}يعمل مرة واحدة، حتى {{ expires }}.</p>
{% if link %}<p><a href="{{ link }}">المزيد عن هذا الطرد</a></p>{% endif %}
<p style="color:#555">احتفظ بالرمز لنفسك: من يملكه يستطيع فتح الباب.</p>
</body>
</html>"#;
const READY_AR_SMS: &str =
    "طرد في {{ bank }}، {{ site }}. الرمز {{ code }} يعمل مرة واحدة حتى {{ expires }}.";

const REMINDER_SUBJECT: &str = "Your parcel is still at {{ bank }}, {{ site }}";
const REMINDER_TEXT: &str =
    "A parcel is still waiting for you at {{ bank }}, {{ site }}, until {{ expires }}.

The code we sent you still works.
{% if link %}
More: {{ link }}
{% endif %}";
const REMINDER_SMS: &str =
    "Your parcel is still at {{ bank }}, {{ site }}, until {{ expires }}. The code we sent still works.";

const ALARM_SUBJECT: &str = "Alarm at {{ bank }}, {{ site }}: {{ alarm }}";
const ALARM_TEXT: &str = "{{ alarm }}

Where: {{ bank }}, {{ site }}
When:  {{ at }}
{% if link %}
See it: {{ link }}
{% endif %}";
const ALARM_SMS: &str = "Alarm at {{ bank }}, {{ site }}, {{ at }}: {{ alarm }}";

const COURIER_SUBJECT: &str = "Your courier code for {{ site }}";
const COURIER_TEXT: &str = "Your personal code for the lockers at {{ site }}:

    {{ code }}

It is yours alone: every opening with it is recorded as yours. It works until {{ expires }}.
{% if link %}
More: {{ link }}
{% endif %}";
const COURIER_SMS: &str =
    "Your courier code for {{ site }}: {{ code }}, until {{ expires }}. It is yours alone.";

const RECEIPT_SUBJECT: &str = "Receipt: your compartment at {{ bank }}, {{ site }} {{ what }}";
const RECEIPT_TEXT: &str = "The compartment with your parcel at {{ bank }}, {{ site }} {{ what }}.

When: {{ at }}
{% if link %}
The receipt, with a proof that you can keep and check yourself: {{ link }}
{% endif %}
You get a message like this for every opening, whoever opens. If this one surprises you, tell the people who run the lockers.";
const RECEIPT_SMS: &str = "Your compartment at {{ bank }}, {{ site }} {{ what }}, {{ at }}.{% if link %} Receipt: {{ link }}{% endif %}";

const BADGE_SUBJECT: &str = "Your code to enrol a badge at {{ bank }}, {{ site }}";
const BADGE_TEXT: &str = "With this code you enrol your badge at {{ bank }}, {{ site }}:

    {{ code }}

Type it at the screen of the lockers, then hold the badge to the reader. It works once, until {{ expires }}.
{% if link %}
More: {{ link }}
{% endif %}
Keep the code to yourself: whoever has it can enrol a badge as yours.";
const BADGE_SMS: &str =
    "Code to enrol your badge at {{ bank }}, {{ site }}: {{ code }}, once, until {{ expires }}.";

const BADGE_AR_SUBJECT: &str = "رمزك لتسجيل شارة في {{ bank }}، {{ site }}";
const BADGE_AR_TEXT: &str = "بهذا الرمز تسجّل شارتك في {{ bank }}، {{ site }}:

    {{ code }}

أدخله على شاشة الخزائن ثم قرّب الشارة من القارئ. يعمل مرة واحدة، حتى {{ expires }}.
{% if link %}
المزيد: {{ link }}
{% endif %}
احتفظ بالرمز لنفسك: من يملكه يستطيع تسجيل شارة باسمك.";
const BADGE_AR_SMS: &str =
    "رمز تسجيل شارتك في {{ bank }}، {{ site }}: {{ code }}، مرة واحدة، حتى {{ expires }}.";

const WORK_SUBJECT: &str = "Your code for a work order at {{ bank }}, {{ site }}";
const WORK_TEXT: &str = "There is a work order for you at {{ bank }}, {{ site }}. Your code:

    {{ code }}

Type it at the screen of the lockers. It opens the doors of the order that hold no parcel, until {{ expires }}.
{% if link %}
More: {{ link }}
{% endif %}
Every opening with it is recorded as yours.";
const WORK_SMS: &str = "Work order at {{ bank }}, {{ site }}: code {{ code }}, until {{ expires }}.";
const RECEIPT_AR_SUBJECT: &str = "إيصال: خزانتك في {{ bank }}، {{ site }}: {{ what }}";
const RECEIPT_AR_TEXT: &str = "الخزانة التي فيها طردك في {{ bank }}، {{ site }}: {{ what }}.

متى: {{ at }}
{% if link %}
الإيصال، مع إثبات تحتفظ به وتتحقق منه بنفسك: {{ link }}
{% endif %}
تصلك رسالة كهذه عند كل فتح، أيًا كان من فتح. إن فاجأتك فأخبر القائمين على الخزائن.";
const RECEIPT_AR_SMS: &str =
    "خزانتك في {{ bank }}، {{ site }}: {{ what }}، {{ at }}.{% if link %} الإيصال: {{ link }}{% endif %}";
