#include "Deployment.h"

#include <exception>
#include <utility>

#include "socketio/base/Log.h"
#include "socketio/managers/ManagerUrls.h"
#include "socketio/middleware/Mounts.h"
#include "socketio/middleware/StaticFiles.h"

#include "ChatDemo.h"
#include "Plugin.h"

namespace socketio::app {

namespace {

/// Runs `step`; what it throws becomes an error that names `what`.
template <class Step>
auto naming(const std::string& what, Step&& step) {
    const std::string before = what.empty() ? "" : what + ": ";
    try {
        return step();
    } catch (const UsageError&) {
        throw;
    } catch (...) {
        throw UsageError(before + exceptionText());
    }
}

}  // namespace

Deployment::Deployment(const Settings& settings) {
    ServerOptions serverOptions = settings.server;
    const Settings::Cluster& cluster = settings.cluster;
    if (!cluster.manager.empty())
        serverOptions.clientManager = naming(settings.origin("cluster.manager"), [&] {
            return createManager(cluster.manager, cluster.channel, false, cluster.options,
                                 cluster.broker);
        });
    _server = naming("", [&] { return std::make_unique<Server>(std::move(serverOptions)); });
    std::vector<Mounts::Mount> mounts;
    std::shared_ptr<App> everything;
    for (const std::string& library : settings.applications)
        for (const auto& application : loadApplications(library, settings.reload)) {
            _applications.push_back(application);
            naming(library, [&] {
                application->setup(*_server, settings.applicationSettings);
                std::shared_ptr<App> app = application->app();
                if (!app) return;
                if (!application->mount().empty())
                    mounts.emplace_back(application->mount(), std::move(app));
                else if (std::exchange(everything, std::move(app)))
                    throw UsageError(library + ": another application answers every path already");
            });
        }
    if (settings.applications.empty()) _chat = std::make_unique<ChatDemo>(*_server);

    if (!settings.www.empty())
        everything = naming(settings.origin("server.www"), [&] {
            StaticFilesOptions options = settings.files;
            options.fallback = everything;
            return std::make_shared<StaticFiles>(settings.www, options);
        });
    for (const FolderMount& mount : settings.mounts)
        mounts.emplace_back(mount.path, naming(mount.where, [&] {
                                return std::make_shared<StaticFiles>(mount.folder, settings.files);
                            }));
    if (!mounts.empty())
        everything = naming(
            "", [&] { return std::make_shared<Mounts>(std::move(mounts), std::move(everything)); });
    _app = naming(settings.origin("server.client"), [&] {
        return std::make_shared<Middleware>(*_server, everything, settings.middleware);
    });
}

// Handlers go with the server, before the objects that they belong to.
Deployment::~Deployment() = default;

bool Deployment::stop(TimePoint deadline) {
    const bool clean = _app->stop(deadline);  // the server's, too
    // With asyncHandlers a handler may run on after its client has gone, and nobody knows.
    return clean && !_server->options().asyncHandlers;
}

}  // namespace socketio::app
