// Every page loads this; what a page does not have, its module leaves alone.

import "/static/forms.js";
import "/static/dialogs.js";
import "/static/thread.js";
import "/static/composer.js";
import "/static/choices.js";
import { listen } from "/static/live.js";
import { localize } from "/static/times.js";

localize(document);
listen();
