#include "domain.h"

const char *const state_names[STATE_COUNT] = {
#define X(id, name) [STATE_##id] = name,
	DOMAIN_STATES(X)
#undef X
};
