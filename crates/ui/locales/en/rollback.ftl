event-restored-disk-found = Bank found its disk restored or copied
event-bank-resynchronised = Bank resynchronised
