import {
  to = infrahub_proposed_change.release
  identity = {
    id = "18eb02fd-05af-dae7-e38a-1c4cab22c267"
  }
}
