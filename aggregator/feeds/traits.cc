// What the vendors' documentation says of their services and the lists do not: which addresses are
// only ever a source, where one address serves many tenants, and which service holds all others.
#include <algorithm>
#include <array>
#include <utility>

#include "aggregator/feeds/loaders.h"

namespace outflow::feeds {
namespace {

enum class Is : std::uint8_t {
  Source,    // the vendor's own clients: from-vendor
  Shared,    // an address answers for every tenant of the service
  CatchAll,  // also has the prefixes of the others
};

struct Trait {
  Format format;
  std::string_view service;  // "*": every service of the format
  Is is;
};

constexpr std::array kTraits{
    // docs.aws.amazon.com/vpc/latest/userguide/aws-ip-ranges.html: AMAZON is "all IP address
    // ranges"; origin-facing CloudFront, health checks, resolvers, builds and consoles come *from*
    // theirs.
    Trait{Format::Aws, "AMAZON", Is::CatchAll},
    Trait{Format::Aws, "AMAZON_APPFLOW", Is::Source},
    Trait{Format::Aws, "CLOUDFRONT_ORIGIN_FACING", Is::Source},
    Trait{Format::Aws, "CODEBUILD", Is::Source},
    Trait{Format::Aws, "EC2_INSTANCE_CONNECT", Is::Source},
    Trait{Format::Aws, "ROUTE53_HEALTHCHECKS", Is::Source},
    Trait{Format::Aws, "ROUTE53_HEALTHCHECKS_PUBLISHING", Is::Source},
    Trait{Format::Aws, "ROUTE53_RESOLVER", Is::Source},
    Trait{Format::Aws, "API_GATEWAY", Is::Shared},
    Trait{Format::Aws, "CLOUDFRONT", Is::Shared},
    Trait{Format::Aws, "DYNAMODB", Is::Shared},
    Trait{Format::Aws, "GLOBALACCELERATOR", Is::Shared},
    Trait{Format::Aws, "S3", Is::Shared},
    // goog.json names no service: Google's front ends, which serve every API and every customer's
    // site on the same addresses.
    Trait{Format::Google, "", Is::Shared},
    // learn.microsoft.com/azure/virtual-network/service-tags-overview: tags that are used inbound
    // only, or whose backends call a customer's origin.
    Trait{Format::Azure, "AzureCloud", Is::CatchAll},
    Trait{Format::Azure, "ActionGroup", Is::Source},
    Trait{Format::Azure, "ApplicationInsightsAvailability", Is::Source},
    Trait{Format::Azure, "AzureFrontDoor.Backend", Is::Source},
    Trait{Format::Azure, "AzureTrafficManager", Is::Source},
    Trait{Format::Azure, "LogicApps", Is::Source},
    Trait{Format::Azure, "AppService", Is::Shared},
    Trait{Format::Azure, "AzureFrontDoor.FirstParty", Is::Shared},
    Trait{Format::Azure, "AzureFrontDoor.Frontend", Is::Shared},
    Trait{Format::Azure, "Storage", Is::Shared},
    Trait{Format::Oracle, "OBJECT_STORAGE", Is::Shared},
    // docs.github.com: hooks, builds, importers and bots connect from these; of lists that are new
    // nobody says, so read_github() takes them for sources as well.
    Trait{Format::Github, "actions", Is::Source},
    Trait{Format::Github, "actions_macos", Is::Source},
    Trait{Format::Github, "codespaces", Is::Source},
    Trait{Format::Github, "dependabot", Is::Source},
    Trait{Format::Github, "github_enterprise_importer", Is::Source},
    Trait{Format::Github, "hooks", Is::Source},
    Trait{Format::Github, "importer", Is::Source},
    Trait{Format::Github, "copilot", Is::CatchAll},  // beside its own has those of web and api
    Trait{Format::Github, "pages", Is::Shared},
    // Reverse proxies: every customer of theirs is on every address.
    Trait{Format::Cloudflare, "*", Is::Shared},
    Trait{Format::Fastly, "*", Is::Shared},
};

}  // namespace

RangeClass class_of(Format format, std::string service, std::string region) {
  RangeClass described;
  for (const Trait& trait : kTraits) {
    if (trait.format != format || (trait.service != "*" && trait.service != service)) continue;
    if (trait.is == Is::Source) described.direction = Direction::FromVendor;
    if (trait.is == Is::Shared) described.shared = true;
    if (trait.is == Is::CatchAll) described.catch_all = true;
  }
  described.service = std::move(service);
  described.region = std::move(region);
  return described;
}

}  // namespace outflow::feeds
