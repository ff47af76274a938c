event-restored-disk-found = وجد الصندوق أن قرصه مستعاد أو منسوخ
event-bank-resynchronised = أُعيدت مزامنة الصندوق
