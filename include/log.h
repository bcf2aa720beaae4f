/*
 * The daemon's own log: standard error (with <N> levels under systemd) and, through the hook, the growing text /vm/log.
 * Any thread.
 */
#ifndef LOG_H
#define LOG_H

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG, LOG_LEVELS };

extern const char *const log_level_names[LOG_LEVELS]; /* "error" "warn" "info" "debug" */

void log_set_level(enum log_level max);

/* HOOK gets each line that passes the level, with its time, without newline; called on the logging thread, must not log. */
void log_set_hook(void (*hook)(enum log_level level, const char *line));

/* One line; control bytes of the text are escaped. errno is kept. */
void log_at(enum log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#define log_error(...) log_at(LOG_ERROR, __VA_ARGS__)
#define log_warn(...) log_at(LOG_WARN, __VA_ARGS__)
#define log_info(...) log_at(LOG_INFO, __VA_ARGS__)
#define log_debug(...) log_at(LOG_DEBUG, __VA_ARGS__)

#endif
