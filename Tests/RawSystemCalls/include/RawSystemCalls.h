// System calls that chatd never makes, with arguments with which they would do no harm if they were allowed.

#ifndef RAW_SYSTEM_CALLS_H
#define RAW_SYSTEM_CALLS_H

// The names of these calls, from number 0 on; null behind the last.
const char *_Nullable raw_system_call_name(int number);

// What the call of that name returns; a negative error number, or -1000 if there is none of that name.
long raw_system_call_make(const char *_Nonnull name);

#endif
