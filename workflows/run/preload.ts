/**
 * What all runs of a worker share instead of loading it anew for each: every module without any state of its own, and that imports
 * none with state. (Loaded before the first run; see preloadModules in src/runtime/packing.ts.)
 */

import "../engine/advance.ts";
import "../engine/excerpt.ts";
import "../engine/mirror/mirroring.ts";
import "../engine/steps/work.ts";
import "../retention/sweep.ts";
import "../web-ui/bar.ts";
import "../web-ui/headers.ts";
import "../web-ui/news.ts";
import "../web-ui/result.ts";
import "../web-ui/run-details.ts";
import "../web-ui/standing.ts";
import "../web-ui/workflow-type.ts";
import "../webhooks/delivery.ts";
import "./in-flight/dispatch.ts";
import "./in-flight/slow-jobs.ts";
import "./in-flight/step-effects.ts";
import "./in-flight/throttle.ts";
import "./inbox.ts";
import "./mirror.ts";
import "./mode.ts";
import "./opening.ts";
import "./parent.ts";
import "./recorded-play.ts";
import "./workflow-task.ts";
