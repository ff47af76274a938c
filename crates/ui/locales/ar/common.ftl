error-prefix = خطأ:
error-summary = هناك مشكلة
error-required = املأ هذا الحقل
error-email = أدخل عنوان بريد إلكتروني مثل name@example.org
error-phone = أدخل رقم هاتف مع رمز البلد، مثل ‎+49 30 1234567
error-too-long = النص أطول مما يجب
error-number = أدخل عددًا صحيحًا

state-free = خالية
state-occupied = مشغولة
state-reserved = محجوزة
state-open = مفتوحة
state-out-of-service = خارج الخدمة
state-alarm = إنذار
state-unknown = غير معروفة

map-name = خريطة { $bank }: { $states }
map-table = خزائن { $bank }
map-number = الخزانة
map-place = الموضع
map-size = الحجم
map-state = الحالة
map-low-reach = في متناول منخفض
map-door = { map-number } { $number }، { $place }
place-top = الصف العلوي
place-bottom = الصف السفلي
place-row = الصف { $row } من { $rows }
place-column = { $column ->
    [1] الأولى
    [2] الثانية
    [3] الثالثة
    [4] الرابعة
    [5] الخامسة
   *[other] رقم { $column }
  } من اليسار
place-both = { $row }، { $column }

pager = الصفحات
pager-first = الصفحة الأولى
pager-next = الصفحة التالية

count-parcels = { $count ->
    [zero] لا طرود
    [one] طرد واحد
    [two] طردان
    [few] { $count } طرود
    [many] { $count } طردًا
   *[other] { $count } طرد
  }
count-doors = { $count ->
    [zero] لا أبواب
    [one] باب واحد
    [two] بابان
    [few] { $count } أبواب
    [many] { $count } بابًا
   *[other] { $count } باب
  }
live = مباشر
live-stale = تجري إعادة الاتصال، آخر بيانات
live-failed = لم يُرسل. تحقّق من الاتصال ثم أعد المحاولة.
copy = نسخ
copied = تم النسخ
close = إغلاق
cancel = إلغاء
save = حفظ
back = رجوع

lockdown-title = إغلاق أمني
lockdown-none = لا يوجد إغلاق أمني سارٍ.
lockdown-drill = تمرين
lockdown-grade-watch = مراقبة: لا شيء ممنوع
lockdown-grade-hold-remote = يمنع الفتح عن بُعد
lockdown-grade-hold-zone = يمنع كل فتح في منطقته
lockdown-grade-hold-all = يمنع كل فتح في الخزائن
lockdown-area-door = الخزانة { $number }
lockdown-area-zone = العمود { $number }
lockdown-area-bank = الخزائن كلها
lockdown-cause-by-hand = بدأه الموظفون
lockdown-cause-forced = فُتح باب عنوةً
lockdown-cause-enclosure = فُتح الغلاف
lockdown-cause-pry-switch = تحرّك مفتاح كشف الخلع
lockdown-cause-impact = ضربات متكررة
lockdown-cause-pry = محاولة خلع
lockdown-cause-tool = مثقاب أو منشار
lockdown-cause-sensor-lost = فُقد مستشعر
lockdown-cause-reader = عُبث بقارئ
lockdown-cause-bus = عُبث بلوحة أقفال
lockdown-ends-in = ينتهي وحده بعد { $minutes } دقيقة
lockdown-agreed = وافق شخص على إنهائه، ويلزم شخص ثانٍ.
lockdown-release = إنهاء الإغلاق
lockdown-silence = إسكات الصفارة
