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
