/* All public doors of dualcube. */
#ifndef DUALCUBE_DUALCUBE_H
#define DUALCUBE_DUALCUBE_H
#include "dualcube/array.h"
#include "dualcube/augment.h"
#include "dualcube/base.h"
#include "dualcube/correlation.h"
#include "dualcube/device.h"
#include "dualcube/introspect.h"
#include "dualcube/kinds.h"
#include "dualcube/kmeans.h"
#include "dualcube/model.h"
#include "dualcube/pca.h"
#include "dualcube/queue.h"
#include "dualcube/random.h"
#include "dualcube/reduce.h"
#include "dualcube/regrid.h"
#include "dualcube/rolling.h"
#include "dualcube/scale.h"
#include "dualcube/smooth.h"
#include "dualcube/spectral.h"
#include "dualcube/transform.h"
#endif
