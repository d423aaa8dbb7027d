/* The array functions over mulx/adcx/adox; see field_vec_loops.h. */
#include "backend/field/field_limbs_adx.h"
#include "backend/field/field_vec_tables.h"

#if FIELD_BUILD_ADX
#define FIELD_KERNEL_ADX
#include "backend/field/field_vec_loops.h"
#endif
